"""Limits that every POSIX system has; all that there is on macOS."""

import os
import resource
from typing import Final

ADDRESS_SPACE_BYTES: Final = 1536 << 20
"""Above the memory limit: numpy's libraries and the stacks of threads reserve far more than they use."""
FILE_BYTES: Final = 64 << 20
_OPEN_FILES: Final = 256
_NICENESS: Final = 10


def lower_limits(memory_bytes: int, file_bytes: int = FILE_BYTES) -> None:
    """Lower what this process may take, for good.

    The limit of the address space is only the outer one: Hearth watches the memory that is really used.

    Args:
        memory_bytes: of memory.
        file_bytes: of one file.
    """
    os.nice(_NICENESS)
    os.umask(0o077)
    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes + ADDRESS_SPACE_BYTES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_FSIZE, file_bytes),
    ):
        _, hard = resource.getrlimit(kind)
        lowered = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(kind, (lowered, lowered))
        except (OSError, ValueError):  # macOS knows RLIMIT_AS, but refuses it
            continue
