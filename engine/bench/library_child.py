"""Opens a library in a fresh process and says how long that took; started by `hearth bench library`."""

import json
import sys
from pathlib import Path
from time import perf_counter

from engine.config import EngineConfig
from engine.engine import Engine
from engine.gates import Gatekeeper as Gatekeeper  # imported before the clock runs, as all of this is in a window
from engine.tasks.library_desk import LibraryDesk as LibraryDesk


def main() -> None:
    """Print one JSON line: how many models there are, and the milliseconds of the first and of the second look."""
    began_s = perf_counter()
    engine = Engine(EngineConfig(home=Path(sys.argv[1]), used_in_place=()))
    cards = engine.cards()
    opened_s = perf_counter()
    engine.cards()
    again_s = perf_counter()
    found = {"models": len(cards), "opened_ms": (opened_s - began_s) * 1000, "again_ms": (again_s - opened_s) * 1000}
    print(json.dumps(found))  # noqa: T201 - read by the bench


if __name__ == "__main__":
    main()
