"""Landlock: Linux keeps this process away from files, ports and other processes. Needs no rights and no program.

Why not bubblewrap: it would have to be installed, and needs user namespaces, which many systems and most containers
forbid. Landlock and seccomp are in the kernel, work for everybody, and are inherited by whatever is started.

Source: linux/landlock.h; https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION_FLAG: Final = 1
_PATH_BENEATH: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_READ: Final = _READ_FILE | _READ_DIR
_FILE_RIGHTS: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""All rights that a version knows, by the version that brought them."""
_CHANGE: Final = (1 << 15) - 1 & ~_EXECUTE
_TCP: Final = 3  # bind and connect
_SCOPES: Final = 3  # abstract Unix sockets, and signals, of processes outside

TCP_VERSION: Final = 4
"""Version from which ports are guarded."""
SCOPE_VERSION: Final = 6
"""Version from which other processes are guarded against signals."""

_libc: Final = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRules:
    """What may be reached; all else may not.

    Attributes:
        readable: files and folders with all that is in them.
        writable: the same, for changing as well.
        runnable: the same, for running as programs.
        tcp: whether TCP ports may be used.
    """

    readable: Iterable[str]
    writable: Iterable[str]
    runnable: Iterable[str] = ()
    tcp: bool = False


def landlock_version() -> int:
    """Version of Landlock in this kernel; 0 if there is none, or none that we may use."""
    return max(0, int(_libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))))


def restrict(rules: FileRules) -> None:
    """Restrict this thread and all that it starts, for good. Does nothing where there is no Landlock.

    Raises:
        OSError: the kernel refused.
    """
    version = landlock_version()
    if not version:
        return
    handled = _FILE_RIGHTS[max(known for known in _FILE_RIGHTS if known <= version)]
    attributes = struct.pack("=QQQ", handled, 0 if rules.tcp else _TCP, _SCOPES)
    size = 24 if version >= SCOPE_VERSION else 16 if version >= TCP_VERSION else 8
    ruleset = _checked(_libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0)))
    try:
        for rights, paths in (
            (_READ, rules.readable),
            (_CHANGE, rules.writable),
            (_READ | _EXECUTE, rules.runnable),
        ):
            for path in paths:
                _allow(ruleset, path, rights & handled)
        _checked(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _checked(_libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)))
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    with suppress(OSError):  # what is not there needs no rule
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            is_folder = os.path.isdir(path)
            rule = struct.pack("=Qi", rights if is_folder else rights & _OF_FILES, beneath)
            _checked(
                _libc.syscall(_ADD_RULE, ctypes.c_int(ruleset), ctypes.c_int(_PATH_BENEATH), rule, ctypes.c_uint32(0))
            )
        finally:
            os.close(beneath)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
