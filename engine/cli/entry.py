"""Entry point of the program `hearth`: imports next to nothing, so that Ctrl-C is quiet from the first moment on."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Final

PROCESSES: Final[Mapping[str, str]] = {
    "--plugin-process": "engine.plugins.process.child",
    "--device-process": "engine.backends.process.child",
    "--ask-devices": "engine.devices.ask",
    "--calibrate-device": "engine.devices.calibrate",
    "--check-paging": "engine.backends.llama.paging.self_check",
    "--try-model": "engine.gates.probe_child",
}
"""How a frozen program starts itself as another kind of process: a first argument, and whose `main` takes the rest."""


def main() -> None:
    """Run the command line; importing it takes a third of a second, in which Ctrl-C must not end in a traceback."""
    module = PROCESSES.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if module is not None:
        process: Callable[[Sequence[str]], None] = import_module(module).main
        process(sys.argv[2:])
        return
    try:
        from engine.cli.main import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()
