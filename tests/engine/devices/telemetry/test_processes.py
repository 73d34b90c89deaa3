import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from engine.devices.telemetry.processes import HeldMemory, OurProcesses

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

# The program's name holds what a careless reader would split at.
STAT = "4 (a) b (c) R 1 4 4 0 -1 4194560 1 0 0 0 {0} {1} 0 0 20 0 1 0 100 1 1 1"
STATUS = "Name:\tx\nVmRSS:\t    700 kB\nRssAnon:\t     400 kB\nRssFile:\t     290 kB\nRssShmem:\t      10 kB"


def test_this_process_is_always_there() -> None:
    processes = OurProcesses(tuple)
    assert processes.pids() == (os.getpid(),)
    assert processes.cpu_s().keys() == {os.getpid()}
    held = processes.memory()
    assert held.own_bytes + held.mapped_bytes == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)
    processes.close()


def test_children_are_counted_once_and_only_while_they_live() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        processes = OurProcesses(lambda: [child.pid, child.pid, os.getpid()])
        assert processes.pids() == (os.getpid(), child.pid)
        assert processes.cpu_s().keys() == {os.getpid(), child.pid}
        with_child = processes.memory().own_bytes
        assert with_child > OurProcesses(tuple).memory().own_bytes
        child.kill()
        child.wait()
        assert processes.cpu_s().keys() == {os.getpid()}
    processes.close()


def test_a_process_that_never_was_is_not_counted() -> None:
    processes = OurProcesses(lambda: [2**22 + 1])
    assert processes.cpu_s().keys() == {os.getpid()}
    assert processes.memory().own_bytes > 0


def test_files_of_a_process_that_is_told_no_more_are_released() -> None:
    told = [os.getppid()]
    processes = OurProcesses(lambda: told)
    assert len(processes.cpu_s()) == 2
    told.clear()
    assert len(processes.cpu_s()) == 1
    assert processes._children == {}


@linux_only
def test_files_of_a_process(tree: Callable[..., Path]) -> None:
    root = tree({"proc/self/status": STATUS, "proc/4/stat": STAT.format(150, 50), "proc/4/status": STATUS})
    processes = OurProcesses(lambda: [4], root, own_cpu_s=lambda: 9.0)
    ticks = os.sysconf("SC_CLK_TCK")
    assert processes.cpu_s() == {os.getpid(): 9.0, 4: 200 / ticks}
    assert processes.memory() == HeldMemory(820 << 10, 580 << 10)


@linux_only
def test_a_kernel_that_does_not_tell_pages_apart(tree: Callable[..., Path]) -> None:
    root = tree({"proc/self/status": "Name:\tx\nVmRSS:\t 700 kB"})
    assert OurProcesses(tuple, root).memory() == HeldMemory(700 << 10, 0)
