"""The filter of system calls, run step by step as the kernel would, for both processors."""

import errno
import os
import platform
import re
from pathlib import Path

import pytest

from engine.plugins.process.seccomp import _AUDIT_ARCH, _NEVER, _NUMBERS, _PROGRAMS, _program

ALLOW, KILL = "allow", "kill"
MACHINES = list(_AUDIT_ARCH)
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


def outcome(machine, number, first=0, second=0, arch=None, **granted):
    """What the filter says about a call."""
    steps = list(_program(machine, **({"network": False, "programs": False} | granted)))
    data = {0: number, 4: _AUDIT_ARCH[machine] if arch is None else arch, 16: first, 24: second}
    at = value = 0
    while True:
        code, if_true, if_false, k = steps[at]
        at += 1
        match code:
            case 0x20:
                value = data[k]
            case 0x06:
                return {0x7FFF0000: ALLOW, 0x80000000: KILL}.get(k, k & 0xFFFF)
            case 0x15:
                at += if_true if value == k else if_false
            case 0x35:
                at += if_true if value >= k else if_false
            case 0x45:
                at += if_true if value & k else if_false


def number_of(name, machine):
    return (_NUMBERS | _PROGRAMS | _NEVER)[name][MACHINES.index(machine)]


@pytest.mark.parametrize("machine", MACHINES)
def test_dangerous_calls_are_refused_and_others_allowed(machine):
    numbers = {name: pair[MACHINES.index(machine)] for name, pair in (_NEVER | _PROGRAMS).items()}
    refused = {number for number in numbers.values() if number is not None}
    special = {pair[MACHINES.index(machine)] for pair in _NUMBERS.values()}
    for number in range(600):
        if number in refused:
            assert outcome(machine, number) == errno.EACCES
        elif number not in special:
            assert outcome(machine, number) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_other_processors_and_the_other_half_of_x86(machine):
    assert outcome(machine, 0, arch=0x40000003) == KILL
    if machine == "x86_64":
        assert outcome(machine, 0x40000000 + 41) == errno.EACCES


@pytest.mark.parametrize("machine", MACHINES)
def test_threads_but_no_processes(machine):
    clone, thread, namespace = number_of("clone", machine), 0x3D0F00, 0x10000000
    assert outcome(machine, clone, thread) == ALLOW
    assert outcome(machine, clone, 17) == errno.EACCES
    assert outcome(machine, clone, 17, programs=True) == ALLOW
    assert outcome(machine, clone, namespace | 17, programs=True) == errno.EACCES
    assert outcome(machine, number_of("clone3", machine)) == errno.ENOSYS
    assert outcome(machine, number_of("execve", machine), programs=True) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_sockets(machine):
    socket, unix, inet, inet6, netlink = number_of("socket", machine), 1, 2, 10, 16
    assert {outcome(machine, socket, family) for family in (unix, inet, inet6, netlink)} == {errno.EACCES}
    assert {outcome(machine, socket, family, network=True) for family in (inet, inet6)} == {ALLOW}
    assert {outcome(machine, socket, family, network=True) for family in (unix, netlink)} == {errno.EACCES}


@pytest.mark.parametrize("machine", MACHINES)
def test_signals_to_itself_only(machine):
    for name in ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"):
        number = number_of(name, machine)
        assert outcome(machine, number, os.getpid()) == ALLOW
        assert outcome(machine, number, os.getppid()) == errno.EACCES
        assert outcome(machine, number, 0xFFFFFFFF) == errno.EACCES
        assert outcome(machine, number, os.getppid(), programs=True) == ALLOW  # Landlock sees to it then


@pytest.mark.parametrize("machine", MACHINES)
def test_pairs_of_sockets_are_streams(machine):
    pair, stream, datagrams, no_wait = number_of("socketpair", machine), 1, 2, 0x800
    assert {outcome(machine, pair, 1, kind) for kind in (stream, stream | no_wait, stream | 0x80800)} == {ALLOW}
    assert {outcome(machine, pair, 1, kind) for kind in (datagrams, datagrams | no_wait, 3, 5)} == {errno.EACCES}


@pytest.mark.parametrize("machine", MACHINES)
def test_no_limits_of_others_and_no_signals_by_way_of_files(machine):
    for name in ("prlimit64", "sched_setaffinity"):
        number = number_of(name, machine)
        assert {outcome(machine, number, process) for process in (0, os.getpid())} == {ALLOW}
        assert outcome(machine, number, os.getppid(), programs=True) == errno.EACCES
    setpriority, one, user = number_of("setpriority", machine), 0, 2
    assert outcome(machine, setpriority, one, 0) == ALLOW
    assert {outcome(machine, setpriority, one, os.getppid()), outcome(machine, setpriority, user, 0)} == {errno.EACCES}
    fcntl, ioctl = number_of("fcntl", machine), number_of("ioctl", machine)
    assert {outcome(machine, fcntl, 0, command) for command in (8, 10, 15, 1031)} == {errno.EACCES}
    assert {outcome(machine, ioctl, 0, command) for command in (0x8901, 0x8902)} == {errno.EACCES}
    assert {outcome(machine, number, 0, 3) for number in (fcntl, ioctl)} == {ALLOW}


@pytest.mark.parametrize("machine", MACHINES)
def test_it_cannot_give_up_ending_with_hearth_nor_hide_from_it(machine):
    assert {outcome(machine, number_of("prctl", machine), what) for what in (1, 4)} == {errno.EACCES}
    assert outcome(machine, number_of("prctl", machine), 15) == ALLOW


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_of_the_system(machine):
    header = HEADERS[machine]
    if not header.exists():
        pytest.skip("the headers of Linux are not installed")
    pattern = re.compile(r"#define __NR(?:3264)?_(\w+)\s+(\d+)$", re.MULTILINE)
    known = {name: int(number) for name, number in pattern.findall(header.read_text(encoding="utf-8"))}
    ours = {name: number_of(name, machine) for name in _NUMBERS | _PROGRAMS | _NEVER}
    assert {name: number for name, number in ours.items() if name in known} == {
        name: known[name] for name in ours if name in known
    }
    assert len(ours.keys() & known) > 70


def test_this_machine_is_known():
    assert platform.machine() in MACHINES or os.name == "nt" or platform.system() == "Darwin"
