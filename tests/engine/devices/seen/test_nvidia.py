import shutil
import subprocess
from pathlib import Path

import pytest

from engine.devices.ask import NVML, ask
from engine.devices.seen.device import SeenDevice
from engine.devices.seen.nvidia import driver_version, model_names, reached, with_details
from engine.hardware import DeviceKind, ReachedDevice

# Two devices, of which the second is lost, and a third one that shares the machine's memory.
LIBRARY = r"""
#include <stdio.h>
#include <string.h>
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct { char old[16]; unsigned domain, bus, device, id, subsystem; char address[32]; } Pci;
int nvmlInit_v2(void) { return INIT; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) { snprintf(text, size, "550.54.14"); return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    *handle = (void *)(long)(index + 1);
    return index == 1 ? 15 : 0;
}
int nvmlDeviceGetName(void *handle, char *text, unsigned size) {
    snprintf(text, size, "NVIDIA Made Up %d", (int)(long)handle);
    return 0;
}
int nvmlDeviceGetPciInfo_v3(void *handle, Pci *pci) {
    memset(pci, 0, sizeof *pci);
    snprintf(pci->address, 32, "00000000:0%d:00.0", (int)(long)handle);
    return 0;
}
int nvmlDeviceGetMemoryInfo(void *handle, Memory *memory) {
    if ((long)handle == 3) return 3;
    memory->total = 24ULL << 30; memory->free = 20ULL << 30; memory->used = 4ULL << 30;
    return 0;
}
"""


@pytest.fixture
def build(tmp_path: Path):
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")

    def make(init: int = 0) -> str:
        source, library = tmp_path / "nvml.c", tmp_path / "libnvidia-ml.so.1"
        source.write_text(LIBRARY)
        subprocess.run([compiler, "-shared", "-fPIC", f"-DINIT={init}", "-o", library, source], check=True)
        return str(library)

    return make


def test_nvml_is_read_as_it_lays_out_its_values(build):
    first, third = reached(build())
    assert (first.name, first.address, first.version) == ("NVIDIA Made Up 1", "0000:01:00.0", "550.54.14")
    assert (first.total_bytes, first.free_bytes) == (24 << 30, 20 << 30)
    assert (third.name, third.total_bytes, third.target) == ("NVIDIA Made Up 3", None, "2")


def test_nvml_in_a_process_of_its_own(build):
    asked = ask(NVML, {"library": build()})
    assert asked.fault == ""
    assert [device.address for device in asked.devices] == ["0000:01:00.0", "0000:03:00.0"]


def test_without_a_driver_or_the_library_there_is_nothing(build):
    assert reached(build(init=9)) == ()
    assert reached("libno-such-thing.so.1") == ()


def test_the_drivers_files(tree):
    tree.write(
        {
            "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t NVIDIA L4\nBus Location: \t 0000:01:00.0",
            "proc/driver/nvidia/gpus/0000:02:00.0/information": "Model: \t Unknown\nBus Location: \t 0000:02:00.0",
            "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun\nGCC: 12",
        }
    )
    assert model_names(tree.root) == {"0000:01:00.0": "NVIDIA L4"}
    assert driver_version(tree.root) == "535.183.01"


def test_without_the_driver_its_files_say_nothing(tmp_path: Path):
    assert model_names(tmp_path) == {}
    assert driver_version(tmp_path) == ""


def _extra(address: str) -> ReachedDevice:
    return ReachedDevice(
        backend=NVML, interface=NVML, target="0", kind=DeviceKind.GPU, name="NVIDIA L4", address=address,
        version="550.1", total_bytes=1 << 30,
    )  # fmt: skip


def test_details_go_to_the_device_at_their_address():
    card = SeenDevice(kind=DeviceKind.GPU, vendor="NVIDIA", driver="nvidia 550.1", address="0000:01:00.0")
    other = SeenDevice(kind=DeviceKind.GPU, vendor="AMD", address="0000:02:00.0", memory_bytes=5)
    detailed, same = with_details([card, other], [_extra("0000:01:00.0")])
    assert (detailed.name, detailed.memory_bytes, detailed.driver) == ("NVIDIA L4", 1 << 30, "nvidia 550.1")
    assert same == other


def test_what_only_nvml_sees_is_a_device_too():
    (device,) = with_details([], [_extra("0000:01:00.0")])
    assert (device.vendor, device.address, device.memory_bytes) == ("NVIDIA", "0000:01:00.0", 1 << 30)


def test_a_device_without_an_address_is_not_counted_twice():
    card = SeenDevice(kind=DeviceKind.GPU, vendor="NVIDIA", name="NVIDIA L4")
    assert with_details([card], [_extra("0000:01:00.0")]) == (card,)
