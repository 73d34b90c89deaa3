import mmap
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import numpy as np
import psutil
import pytest

from engine.devices.telemetry.memory import MachineMemory, MemoryMeter, PsutilMemory
from engine.devices.telemetry.processes import OurProcesses

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MEMINFO = """\
MemTotal:        1000 kB
MemFree:          100 kB
MemAvailable:     600 kB
SwapTotal:        200 kB
SwapFree:         150 kB
Mapped:            {0} kB"""
STATUS = "VmRSS:\t 0 kB\nRssAnon:\t 100 kB\nRssFile:\t 250 kB\nRssShmem:\t 0 kB"
KIB = 1024


def meter(root: Path = Path("/")) -> MemoryMeter:
    return MemoryMeter(OurProcesses(tuple, root), monotonic, root)


def test_memory_that_we_take_is_ours() -> None:
    reading = meter()
    before = reading.read(0.0)
    taken = mmap.mmap(-1, 200 << 20)  # of the system itself: malloc may hand out what earlier tests have given back
    np.frombuffer(taken, np.uint8)[:] = 1
    after = reading.read(1.0)
    assert after.ours - before.ours > 0.9 * len(taken)
    assert after.ours <= after.used <= psutil.virtual_memory().total
    reading.close()


@linux_only
def test_what_we_have_mapped_is_in_use_though_it_could_be_dropped(tree: Callable[..., Path]) -> None:
    root = tree({"proc/meminfo": MEMINFO.format(900), "proc/self/status": STATUS})
    assert meter(root).read(0.0) == MachineMemory((400 + 250) * KIB, 350 * KIB, 50 * KIB)


@linux_only
def test_what_two_of_our_processes_map_is_not_more_than_what_all_map(tree: Callable[..., Path]) -> None:
    root = tree({"proc/meminfo": MEMINFO.format(300), "proc/self/status": STATUS, "proc/9/status": STATUS})
    processes = OurProcesses(lambda: [9], root)
    read = MemoryMeter(processes, monotonic, root).read(0.0)
    assert read.ours == (200 + 300) * KIB
    assert read.used == (400 + 300) * KIB


@linux_only
def test_a_control_groups_limit_is_the_end_of_memory(tree: Callable[..., Path]) -> None:
    group = {
        "proc/self/cgroup": "0::/app",
        "sys/fs/cgroup/app/memory.max": 500 * KIB,
        "sys/fs/cgroup/app/memory.current": 400 * KIB,
        "sys/fs/cgroup/app/memory.stat": f"inactive_file {10 * KIB}",
    }
    root = tree({"proc/meminfo": MEMINFO.format(900), "proc/self/status": STATUS, **group})
    reading = meter(root)
    assert reading.read(0.0).used == 390 * KIB
    tree({"sys/fs/cgroup/app/memory.current": 450 * KIB})
    assert reading.read(1.0).used == 440 * KIB
    tree({"sys/fs/cgroup/app/memory.current": 100 * KIB})
    assert reading.read(2.0).used == 350 * KIB  # never less than what we know to be ours


@linux_only
@pytest.mark.parametrize("files", [{}, {"proc/meminfo": "nothing of use"}])
def test_a_system_that_says_nothing_is_an_error(tree: Callable[..., Path], files: dict[str, str]) -> None:
    with pytest.raises(OSError, match="meminfo"):
        meter(tree({"proc/self/status": STATUS, **files})).read(0.0)


def test_psutil_says_about_the_same() -> None:
    system = PsutilMemory(monotonic)()
    assert 0 < system.available <= system.total
    assert system.swap_used is not None
    assert system.mapped is None


def test_without_performance_counters_the_memory_is_still_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise RuntimeError("Performance counters may be disabled.")

    monkeypatch.setattr("psutil.swap_memory", refuse)

    system = PsutilMemory(monotonic)()

    assert system.total > 0
    assert system.swap_used is None
