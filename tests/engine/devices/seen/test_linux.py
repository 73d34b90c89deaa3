import sys
from pathlib import Path

import pytest

from engine.devices.seen.device import SeenDevice
from engine.devices.seen.linux import pci_devices, see_linux
from engine.devices.seen.look import see_devices
from engine.hardware import DeviceKind

PCI_IDS = """# a comment
1002  Advanced Micro Devices, Inc. [AMD/ATI]
\t744c  Navi 31 [Radeon RX 7900 XT/7900 XTX/7900 GRE/7900M]
\t\t1002 0e3b  A board
10de  NVIDIA Corporation
\t2684  AD102 [GeForce RTX 4090]
8086  Intel Corporation
\t7d55  Meteor Lake-P [Intel Arc Graphics]
C 03  Display controller
\t2684  not a device
"""


def test_a_card_of_nvidia(tree):
    tree.write({"usr/share/misc/pci.ids": PCI_IDS, "sys/module/nvidia/version": "550.54.14"})
    tree.add("0000:01:00.0", "10de:2684", "030000", "nvidia")
    tree.add("0000:01:00.1", "10de:22ba", "040300", "snd_hda_intel")  # its sound
    assert see_linux(tree.root) == (
        SeenDevice(
            kind=DeviceKind.GPU,
            name="NVIDIA GeForce RTX 4090",
            vendor="NVIDIA",
            driver="nvidia 550.54.14",
            address="0000:01:00.0",
        ),
    )


def test_the_drivers_own_name_is_better_than_the_list(tree):
    tree.write(
        {
            "usr/share/misc/pci.ids": PCI_IDS,
            "proc/driver/nvidia/gpus/0000:01:00.0/information": "Model: \t\t NVIDIA H200 NVL\nIRQ:   \t\t 70",
        }
    )
    tree.add("0000:01:00.0", "10de:2684", "030200", "nvidia")
    assert see_linux(tree.root)[0].name == "NVIDIA H200 NVL"


def test_a_card_of_amd_says_its_memory(tree):
    tree.write({"usr/share/hwdata/pci.ids": PCI_IDS})
    tree.add("0000:03:00.0", "1002:744c", "030000", "amdgpu", mem_info_vram_total=24 << 30, mem_info_gtt_total=1 << 34)
    (found,) = see_linux(tree.root)
    assert found.name == "AMD Radeon RX 7900 XT/7900 XTX/7900 GRE/7900M"
    assert (found.memory_bytes, found.shares_memory) == (24 << 30, False)
    assert found.driver == f"amdgpu {tree.release}"


def test_graphics_in_a_processor_may_borrow_memory(tree):
    tree.add("0000:c4:00.0", "1002:15bf", "030000", "amdgpu", mem_info_vram_total=1 << 29, mem_info_gtt_total=15 << 30)
    (found,) = see_linux(tree.root)
    assert (found.name, found.memory_bytes, found.shares_memory) == ("AMD Radeon 780M", (15 << 30) + (1 << 29), True)


def test_a_laptop_with_intels_graphics_and_npu(tree):
    tree.add("0000:00:02.0", "8086:7d55", "030000", "xe")
    tree.add("0000:00:0b.0", "8086:7d1d", "120000", "intel_vpu")
    graphics, npu = see_linux(tree.root)
    assert (graphics.kind, graphics.vendor, graphics.shares_memory) == (DeviceKind.GPU, "Intel", True)
    assert (graphics.name, graphics.memory_bytes) == ("", None)  # there is no list of names here
    assert (npu.kind, npu.name, npu.shares_memory) == (DeviceKind.NPU, "Intel AI Boost NPU (Meteor Lake)", True)
    assert npu.driver == f"intel_vpu {tree.release}"


def test_a_card_of_intel_has_its_own_memory(tree):
    tree.add("0000:03:00.0", "8086:56a0", "030000", "xe")
    assert not see_linux(tree.root)[0].shares_memory


def test_amds_npu_says_that_it_processes_signals(tree):
    tree.add("0000:c5:00.1", "1022:17f0", "118000", "amdxdna")
    tree.add("0000:c6:00.1", "1022:9999", "118000", "amdxdna")  # a later one, which only its driver gives away
    tree.add("0000:c7:00.1", "1022:15e2", "048000", "snd_acp")
    assert [(it.kind, it.vendor) for it in see_linux(tree.root)] == [(DeviceKind.NPU, "AMD")] * 2


def test_amds_accelerators_for_servers_are_graphics_processors(tree):
    tree.add("0000:05:00.0", "1002:74a1", "120000", "amdgpu", mem_info_vram_total=192 << 30)
    (found,) = see_linux(tree.root)
    assert (found.kind, found.memory_bytes) == (DeviceKind.GPU, 192 << 30)


def test_other_makers_accelerators_are_npus(tree):
    tree.add("0000:07:00.0", "1e60:2864", "120000", "hailo")
    assert [(it.kind, it.vendor, it.shares_memory) for it in see_linux(tree.root)] == [(DeviceKind.NPU, "Hailo", False)]


@pytest.mark.parametrize("pci_id", ["1a03:2000", "102b:0522", "1234:1111", "1b36:0100", "15ad:0405"])
def test_what_only_shows_pictures_is_no_device(tree, pci_id: str):
    tree.add("0000:02:00.0", pci_id, "030000", "somedrm")
    assert see_linux(tree.root) == ()


def test_a_device_without_a_driver_says_so(tree):
    tree.add("0000:01:00.0", "10de:2684", "030000")
    assert see_linux(tree.root)[0].driver == ""


def test_a_driver_that_is_set_aside_is_named(tree):
    tree.write({"sys/module/vfio_pci/version": "0.2"})
    tree.add("0000:01:00.0", "10de:2684", "030000", "vfio-pci")
    assert see_linux(tree.root)[0].driver == "vfio-pci 0.2"


def test_npus_inside_other_chips(tree):
    tree.write({"sys/devices/platform/fdab0000.npu/uevent": "DRIVER=rocket"})
    tree.bind("sys/devices/platform/fdab0000.npu", "rocket")
    on_the_bus = tree.add("0000:00:0b.0", "8086:7d1d", "120000", "intel_vpu")
    for name, device in (("accel0", on_the_bus), ("accel1", tree.root / "sys/devices/platform/fdab0000.npu")):
        folder = tree.root / "sys/class/accel" / name
        folder.mkdir(parents=True)
        (folder / "device").symlink_to(device)
    first, second = see_linux(tree.root)
    assert first.vendor == "Intel"
    assert (second.kind, second.driver, second.address) == (DeviceKind.NPU, f"rocket {tree.release}", "fdab0000.npu")


def test_nonsense_on_the_bus_is_passed_over(tree):
    tree.add("0000:01:00.0", "10de:2684", "03zzzz")
    tree.write({"sys/bus/pci/devices/0000:02:00.0/vendor": ""})
    assert pci_devices(tree.root) == ()


def test_a_machine_without_a_bus(tmp_path: Path):
    assert see_linux(tmp_path) == ()


@pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux' files")
def test_this_machine():
    seen = see_devices()
    assert seen == see_linux()
    assert all(device.kind in {DeviceKind.GPU, DeviceKind.NPU} for device in seen)
