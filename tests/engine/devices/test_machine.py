import os
import sys

import psutil
import pytest

from engine.devices import machine
from engine.devices.cgroup import CgroupLimits


def test_description_holds_together() -> None:
    found = machine.describe_machine()
    assert found.cpu
    assert 1 <= found.physical_cores <= found.cores
    assert 0 < found.available_bytes <= found.memory_bytes <= psutil.virtual_memory().total


def test_memory_limit_is_the_smaller_of_ram_and_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "read_limits", lambda: CgroupLimits(memory_bytes=1 << 20, memory_used_bytes=1 << 18))
    assert machine.memory_limit_bytes() == 1 << 20
    assert machine.available_memory_bytes() == (1 << 20) - (1 << 18)
    monkeypatch.setattr(machine, "read_limits", lambda: CgroupLimits(memory_bytes=1 << 60, memory_used_bytes=0))
    assert machine.memory_limit_bytes() == psutil.virtual_memory().total


@pytest.mark.parametrize(("quota", "expected"), [(0.2, 1), (1.0, 1)])
def test_cpu_quota_caps_the_cores(monkeypatch: pytest.MonkeyPatch, quota: float, expected: int) -> None:
    monkeypatch.setattr(machine, "read_limits", lambda: CgroupLimits(cores=quota))
    assert machine.usable_cores() == expected
    assert machine.physical_cores() == expected


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process choose its cores")
def test_affinity_caps_the_cores() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert machine.usable_cores() == 1
        assert machine.physical_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


def test_bandwidth_is_that_of_memory_not_of_a_cache() -> None:
    assert 5e8 < machine.memory_bandwidth() < 5e12


def test_a_comfortable_model_fits_and_is_limited_by_bandwidth() -> None:
    assert machine.comfortable_model(1 << 30, 1e12) == 0  # nothing fits beside the system
    assert machine.comfortable_model(64 << 30, 1e10) < machine.largest_model(64 << 30)
    assert machine.comfortable_model(8 << 30, 1e13) == machine.largest_model(8 << 30)
