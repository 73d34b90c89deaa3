"""A lock file, so that two set-ups at once do not build or install the same thing."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_RETRY_S = 0.2


@contextmanager
def locked(path: Path, waiting: str) -> Iterator[None]:
    """Hold the lock `path` for the block; the system frees it when the process ends, however it ends.

    Args:
        path: lock file; made where it is missing, and left behind (deleting it would race).
        waiting: printed once if somebody else holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        if not _try_lock(file):
            print(waiting, flush=True)
            while not _try_lock(file):
                time.sleep(_RETRY_S)
        yield


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
