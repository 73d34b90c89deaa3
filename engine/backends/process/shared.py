"""Memory that Hearth and a device process both see: the logits of a step need not go through a pipe."""

import mmap
import os
import sys
import tempfile
import uuid
from pathlib import Path

import numpy as np

_IN_MEMORY = Path("/dev/shm")


class SharedFloats:
    """A float32 matrix in memory that a process and its child both map.

    Attributes:
        argument: what the child needs to map it too.
        descriptor: to be inherited by the child; None where the system finds it by name, and in the child.
        array: float32, shape (rows, columns), writable on both sides, zeros at first.
    """

    def __init__(self, rows: int, columns: int, argument: str = "") -> None:
        """Make a matrix, or map what the parent has made.

        Args:
            rows: of the matrix.
            columns: of the matrix.
            argument: the parent's; empty makes a new one.

        Raises:
            OSError: there is no room for it.
        """
        size = max(1, rows * columns * 4)
        self.descriptor: int | None = None
        self.argument = argument
        if sys.platform == "win32":
            self.argument = argument or f"hearth-{uuid.uuid4().hex}"
            memory = mmap.mmap(-1, size, tagname=self.argument)
        else:
            if not argument:
                self.descriptor = _open_unnamed()
                self.argument = str(self.descriptor)
                os.ftruncate(self.descriptor, size)
            memory = mmap.mmap(int(self.argument), size)
        self.array = np.frombuffer(memory, np.float32, rows * columns).reshape(rows, columns)

    def close(self) -> None:
        """Give the descriptor back; the memory goes when its last view does. Safe to call twice."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def _open_unnamed() -> int:
    handle, path = tempfile.mkstemp(prefix="hearth-", dir=_IN_MEMORY if _IN_MEMORY.is_dir() else None)
    Path(path).unlink()
    return handle
