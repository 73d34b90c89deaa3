"""Quantizes as Hearth does, in a process that can be killed: `run_work.py HOME SOURCE TARGET RECIPE`."""

import sys
from pathlib import Path

from engine.gates import Gatekeeper
from engine.jobs import JobControl
from engine.quantize.work import QuantizeOrder, QuantizeWork


def main() -> None:
    home, source, target, recipe = sys.argv[1:]
    gatekeeper = Gatekeeper(Path(home) / "gates.json")
    work = QuantizeWork(Path(home), gatekeeper.admit, lambda _path, _arrival: None)
    control = JobControl(lambda done, _total, _unit, detail: _say(f"{done} {detail}"), lambda _spec: None)
    work.run(QuantizeOrder(Path(source), recipe, Path(target)).spec(), control)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
