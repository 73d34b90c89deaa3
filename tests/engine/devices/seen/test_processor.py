import sys
from pathlib import Path

import pytest

from engine.devices import machine
from engine.devices.cgroup import CgroupLimits
from engine.devices.seen.processor import Cache, processor_device, see_caches, see_processor
from engine.hardware import DeviceKind


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")


@pytest.fixture
def two_sockets(tmp_path: Path) -> Path:
    """Two processors with two cores each, two threads per core, the second thread numbered after all first ones."""
    write(
        tmp_path, "proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu avx2 fma amx_int8\n\nx : y"
    )
    write(tmp_path, "sys/devices/system/cpu/online", "0-3,4-7")
    for cpu in range(8):
        folder = f"sys/devices/system/cpu/cpu{cpu}"
        core = cpu % 4
        write(tmp_path, f"{folder}/topology/physical_package_id", str(core // 2))
        write(tmp_path, f"{folder}/topology/core_id", str(core % 2))
        socket = "0-1,4-5" if core < 2 else "2-3,6-7"
        caches = (("1", "Data", "48K", f"{core},{core + 4}"), ("3", "Unified", "30M", socket))
        for index, (level, kind, size, shared) in enumerate(caches):
            for name, text in {"level": level, "type": kind, "size": size, "shared_cpu_list": shared}.items():
                write(tmp_path, f"{folder}/cache/index{index}/{name}", text)
    write(tmp_path, "proc/self/cgroup", "0::/")
    write(tmp_path, "sys/fs/cgroup/cpu.max", "150000 100000")
    return tmp_path


def test_sockets_cores_and_threads_are_counted(two_sockets: Path):
    found = see_processor(two_sockets)
    assert (found.sockets, found.physical_cores, found.logical_cores) == (2, 4, 8)
    assert found.vendor == "Intel"
    assert found.features == ("fma", "avx2", "amx_int8")
    assert found.limits == CgroupLimits(cores=1.5)


def test_equal_caches_are_counted_together(two_sockets: Path):
    assert see_caches(two_sockets) == (
        Cache(level=1, kind="data", size_bytes=48 << 10, shared_by=2, count=4),
        Cache(level=3, kind="unified", size_bytes=30 << 20, shared_by=4, count=2),
    )


def test_what_the_system_does_not_say_is_unknown(tmp_path: Path):
    found = see_processor(tmp_path)
    assert (found.sockets, found.physical_cores, found.logical_cores, found.caches) == (None, None, None, ())
    assert found.name == machine.cpu_name()


@pytest.mark.parametrize("text", ["", "all", "1-", "3-x,,"])
def test_nonsense_is_no_core(tmp_path: Path, text: str):
    write(tmp_path, "sys/devices/system/cpu/online", text)
    write(tmp_path, "sys/devices/system/cpu/cpu0/cache/index0/size", "lots")
    assert see_processor(tmp_path).sockets is None
    assert see_caches(tmp_path) == ()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not say it in files")
def test_this_machine_holds_together():
    found = see_processor()
    assert found.sockets
    assert found.physical_cores
    assert found.logical_cores
    assert found.sockets <= found.physical_cores <= found.logical_cores
    assert 1 <= found.usable_physical_cores <= found.usable_cores <= found.logical_cores
    assert 0 < found.available_bytes <= found.memory_bytes
    assert set(machine.cpu_features()) <= set(found.features)
    assert all(cache.count * cache.shared_by <= found.logical_cores for cache in found.caches)


def test_the_processor_is_a_device_too():
    device = processor_device()
    assert (device.kind, device.name, device.shares_memory) == (DeviceKind.CPU, machine.cpu_name(), True)
    assert device.memory_bytes == machine.memory_limit_bytes()
