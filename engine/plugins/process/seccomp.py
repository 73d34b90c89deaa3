"""Seccomp: Linux refuses system calls that a plugin has no business with.

A list of what is refused, not of what is allowed: Python, numpy and the C library call whatever their versions please.
The list closes what Landlock leaves open: sockets of every kind, starting programs, other processes and their limits,
metadata of files, memory that nobody counts, and large parts of the kernel that nobody needs here and that have often
had holes.

Source: linux/seccomp.h, linux/bpf_common.h; numbers from asm/unistd_64.h and asm-generic/unistd.h.
"""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Iterator
from typing import Final

_AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN: Final = {"x86_64": 0, "aarch64": 1}

_NUMBERS: Final[dict[str, tuple[int | None, int | None]]] = {
    "socket": (41, 198), "clone": (56, 220), "clone3": (435, 435), "prctl": (157, 167),
    "kill": (62, 129), "tgkill": (234, 131), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "prlimit64": (302, 261), "sched_setaffinity": (203, 122), "socketpair": (53, 199), "fcntl": (72, 25),
    "ioctl": (16, 29), "setpriority": (141, 140),
}  # fmt: skip
_PROGRAMS: Final[dict[str, tuple[int | None, int | None]]] = {
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
}  # fmt: skip
_NEVER: Final[dict[str, tuple[int | None, int | None]]] = {
    # other processes
    "tkill": (200, 130), "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424),
    "process_madvise": (440, 440), "process_mrelease": (448, 448),
    "migrate_pages": (256, 238), "move_pages": (279, 239),
    "setsid": (112, 157), "setpgid": (109, 154),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    # memory that is no part of what a process is seen to take
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "vmsplice": (278, 75),
    # rules that are checked elsewhere, gone around
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "userfaultfd": (323, 282),
    # metadata of files, which Landlock does not guard
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "setxattrat": (463, 463),
    "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16), "removexattrat": (466, 466),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "file_setattr": (469, 469), "truncate": (76, 45), "inotify_add_watch": (254, 27), "fanotify_init": (300, 262),
    # the system
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "unshare": (272, 97),
    "setns": (308, 268), "open_tree": (428, 428), "open_tree_attr": (467, 467), "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431), "fsmount": (432, 432), "fspick": (433, 433), "mount_setattr": (442, 442),
    "init_module": (175, 105), "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104),
    "kexec_file_load": (320, 294), "reboot": (169, 142), "swapon": (167, 224), "swapoff": (168, 225),
    "sethostname": (170, 161), "setdomainname": (171, 162), "bpf": (321, 280), "perf_event_open": (298, 241),
    "keyctl": (250, 219), "add_key": (248, 217), "request_key": (249, 218), "acct": (163, 89),
    "quotactl": (179, 60), "iopl": (172, None), "ioperm": (173, None), "modify_ldt": (154, None),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "clock_adjtime": (305, 266),
    "syslog": (103, 116), "vhangup": (153, 58), "mknod": (133, None), "mknodat": (259, 33),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118),
    "sched_setattr": (314, 274), "ioprio_set": (251, 30),
}  # fmt: skip

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 38, 22, 2
_PR_REFUSED: Final = (1, 4)  # PR_SET_PDEATHSIG, PR_SET_DUMPABLE: to outlive Hearth, and to hide from it
_SECCOMP_NUMBER: Final = {"x86_64": 317, "aarch64": 277}
_IS_ACTION_AVAILABLE: Final = 2

_LOAD, _JUMP_EQUAL, _JUMP_FROM, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_AT, _ARCH_AT, _ARGUMENT_AT, _SECOND_AT = 0, 4, 16, 24
_X32_FROM: Final = 0x40000000
_CLONE_THREAD: Final = 0x00010000
_CLONE_NAMESPACES: Final = 0x7E020000
_INTERNET: Final = (2, 10)  # AF_INET, AF_INET6
_STREAMS: Final = tuple(1 | flags for flags in (0, 0x800, 0x80000, 0x80800))  # a pair of datagrams reaches any socket
_FCNTL_REFUSED: Final = (8, 10, 15, 1031)
"""F_SETOWN, F_SETSIG, F_SETOWN_EX: who is sent which signal when there is input. F_SETPIPE_SZ: all pipes of a user
share one allowance."""
_IOCTL_REFUSED: Final = (0x8901, 0x8902)  # FIOSETOWN, SIOCSPGRP: as F_SETOWN

_REFUSED: Final = (_RETURN, 0, 0, _ERRNO | errno.EACCES)
_ALLOWED: Final = (_RETURN, 0, 0, _ALLOW)

Instruction = tuple[int, int, int, int]

_libc: Final = ctypes.CDLL(None, use_errno=True)


def has_seccomp() -> bool:
    """Whether this kernel has it, on a processor that we know."""
    number = _SECCOMP_NUMBER.get(platform.machine())
    if number is None:
        return False
    action = ctypes.c_uint32(_ERRNO)
    return bool(_libc.syscall(number, ctypes.c_uint(_IS_ACTION_AVAILABLE), ctypes.c_uint(0), ctypes.byref(action)) == 0)


def refuse_calls(*, network: bool, programs: bool) -> None:
    """Refuse system calls to this thread and all that it starts, for good. Does nothing where there is no seccomp.

    Args:
        network: whether sockets of the internet are allowed.
        programs: whether other programs may be started, and then be sent signals.

    Raises:
        OSError: the kernel refused.
    """
    if not has_seccomp():
        return
    packed = b"".join(struct.pack("=HBBI", *step) for step in _program(platform.machine(), network, programs))
    steps = ctypes.create_string_buffer(packed, len(packed))
    program = struct.pack("=H6xQ", len(packed) // 8, ctypes.addressof(steps))  # struct sock_fprog, 64 bits
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or _libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, program, 0, 0):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _program(machine: str, network: bool, programs: bool) -> Iterator[Instruction]:
    column = _COLUMN[machine]
    yield (_LOAD, 0, 0, _ARCH_AT)
    yield (_JUMP_EQUAL, 1, 0, _AUDIT_ARCH[machine])
    yield (_RETURN, 0, 0, _KILL)
    yield (_LOAD, 0, 0, _NUMBER_AT)
    if machine == "x86_64":
        yield (_JUMP_FROM, 0, 1, _X32_FROM)
        yield _REFUSED
    for number in (entry[column] for entry in (_NEVER if programs else _NEVER | _PROGRAMS).values()):
        if number is not None:
            yield from _when(number, [_REFUSED])
    # The C library falls back to `clone`, whose flags can be read.
    yield from _when(_number("clone3", column), [(_RETURN, 0, 0, _ERRNO | errno.ENOSYS)])
    yield from _when(_number("clone", column), _clone_rule(programs))
    yield from _when(_number("socket", column), _one_of(_INTERNET if network else ()))
    yield from _when(_number("socketpair", column), _one_of(_STREAMS, _SECOND_AT))
    yield from _when(_number("prctl", column), _none_of(_PR_REFUSED))
    yield from _when(_number("fcntl", column), _none_of(_FCNTL_REFUSED, _SECOND_AT))
    yield from _when(_number("ioctl", column), _none_of(_IOCTL_REFUSED, _SECOND_AT))
    for name in ("prlimit64", "sched_setaffinity"):
        yield from _when(_number(name, column), _one_of((0, os.getpid())))
    only_its_own = [(_LOAD, 0, 0, _ARGUMENT_AT), (_JUMP_EQUAL, 1, 0, 0), _REFUSED, *_one_of((0,), _SECOND_AT)]
    yield from _when(_number("setpriority", column), only_its_own)
    if not programs:
        for name in ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
            yield from _when(_number(name, column), _one_of((os.getpid(),)))
    yield _ALLOWED


def _when(number: int, rule: list[Instruction]) -> Iterator[Instruction]:
    """A rule for one call; it ends by returning."""
    yield (_JUMP_EQUAL, 0, len(rule), number)
    yield from rule


def _clone_rule(programs: bool) -> list[Instruction]:
    threads_only = [] if programs else [(_JUMP_SET, 1, 0, _CLONE_THREAD), _REFUSED]
    return [(_LOAD, 0, 0, _ARGUMENT_AT), *threads_only, (_JUMP_SET, 0, 1, _CLONE_NAMESPACES), _REFUSED, _ALLOWED]


def _one_of(values: tuple[int, ...], at: int = _ARGUMENT_AT) -> list[Instruction]:
    """Allowed, if an argument is one of these."""
    return [(_LOAD, 0, 0, at), *(step for value in values for step in _if_equal(value, _ALLOWED)), _REFUSED]


def _none_of(values: tuple[int, ...], at: int = _ARGUMENT_AT) -> list[Instruction]:
    """Allowed, unless an argument is one of these."""
    return [(_LOAD, 0, 0, at), *(step for value in values for step in _if_equal(value, _REFUSED)), _ALLOWED]


def _if_equal(value: int, then: Instruction) -> tuple[Instruction, Instruction]:
    return (_JUMP_EQUAL, 0, 1, value), then


def _number(name: str, column: int) -> int:
    number = _NUMBERS[name][column]
    assert number is not None
    return number
