"""Keeps a core busy for a bench: `python -m engine.bench.spin PARENT`, until that process is no more its parent."""

import os
import sys

_TURNS = 1_000_000


def main(parent: int) -> None:
    """Say that it runs, and spin; ends by itself when the bench is killed.

    Args:
        parent: identifier of the bench's process.
    """
    sys.stdout.write("\n")
    sys.stdout.flush()
    while os.getppid() == parent:
        for _ in range(_TURNS):
            pass


if __name__ == "__main__":
    main(int(sys.argv[1]))
