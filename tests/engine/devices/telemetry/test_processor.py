import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest

from engine.devices.telemetry.processes import OurProcesses
from engine.devices.telemetry.processor import CoreTimes, ProcessorSource, StatTimes, psutil_times
from engine.hardware import DeviceSample

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

STAT = """\
cpu  999 9 9 9 9 9 9 9 9 9
cpu0 {0} 0 10 {1} 5 1 2 0 0 0
cpu1 40 0 10 100 5 1 2 3 7 0
intr 1 2 3"""


@contextmanager
def busy_child() -> Iterator[psutil.Process]:
    """A process that uses all of a core until it is told to end; it has begun to."""
    code = "print(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as child:
        try:
            assert child.stdout is not None
            child.stdout.readline()
            yield psutil.Process(child.pid)
        finally:
            child.kill()


def used_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def test_a_childs_work_is_ours_if_its_pid_is_told_and_others_if_not() -> None:
    with busy_child() as child:
        told = ProcessorSource("cpu", OurProcesses(lambda: [child.pid]))
        untold = ProcessorSource("cpu", OurProcesses(tuple))
        began_s = monotonic()
        for source in (told, untold):
            source.read(monotonic())
        wanted_s = used_s(child) + 0.5
        while used_s(child) < wanted_s:  # however long it takes it to get so much of a busy machine
            sleep(0.01)
        whole_s = (monotonic() - began_s) * psutil.cpu_count()
        with_child, alone = (source.read(monotonic())["cpu"] for source in (told, untold))
    assert with_child.ours >= 0.45 / whole_s
    assert alone.ours < with_child.ours / 2
    assert alone.utilisation >= 0.4 / whole_s
    assert len(with_child.cores) in {0, psutil.cpu_count()}
    assert all(0 <= core <= 1 for core in with_child.cores)


def test_the_first_sample_is_unknown() -> None:
    source = ProcessorSource("cpu", OurProcesses(tuple))
    assert source.read(1.0) == {"cpu": DeviceSample()}
    source.close()


def counted(*times: CoreTimes) -> Callable[[], CoreTimes]:
    return iter(times).__next__


def test_shares_are_of_all_cores_together() -> None:
    own_s = iter([1.0, 1.5])
    processes = OurProcesses(tuple, own_cpu_s=lambda: next(own_s))
    times = counted(CoreTimes((10, 10), (100, 100)), CoreTimes((110, 12), (200, 200)))
    source = ProcessorSource("cpu", processes, times=times)
    source.read(10.0)
    assert source.read(11.0)["cpu"] == DeviceSample(utilisation=102 / 200, ours=0.25, cores=(1.0, 0.02))


def test_an_interval_too_short_to_count_repeats_the_last() -> None:
    times = counted(CoreTimes((0,), (0,)), CoreTimes((50,), (100,)))
    source = ProcessorSource("cpu", OurProcesses(tuple), times=times)
    source.read(10.0)
    assert source.read(10.01)["cpu"] == DeviceSample()
    first = source.read(11.0)
    assert first["cpu"].utilisation == 0.5
    assert source.read(11.01) == first


def test_a_core_that_comes_or_goes_makes_the_interval_unknown() -> None:
    times = counted(CoreTimes((0,), (0,)), CoreTimes((50, 50), (100, 100)), CoreTimes((60, 60), (200, 200)))
    source = ProcessorSource("cpu", OurProcesses(tuple), times=times)
    source.read(1.0)
    assert source.read(2.0)["cpu"] == DeviceSample()
    assert source.read(3.0)["cpu"].utilisation == pytest.approx(0.1)


@linux_only
def test_proc_stat(tree: Callable[..., Path]) -> None:
    root = tree({"proc/stat": STAT.format(30, 100)})
    times = StatTimes(root)
    assert times() == CoreTimes((43, 53), (148, 161))
    tree({"proc/stat": STAT.format(80, 150)})
    assert times() == CoreTimes((93, 53), (248, 161))
    times.close()


@linux_only
def test_without_counters_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="proc/stat"):
        StatTimes(tmp_path)()


@linux_only
def test_psutil_counts_the_same() -> None:
    ours, theirs = StatTimes()(), psutil_times()
    assert len(ours.busy) == len(theirs.busy)
    ticks = 100  # of any Linux that runs Python
    assert sum(theirs.whole) * ticks == pytest.approx(sum(ours.whole), rel=0.1)
