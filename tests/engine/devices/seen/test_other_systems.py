"""What Windows and macOS say, as documents of theirs; the calls that fetch them cannot be made here."""

import json

import pytest

from engine.devices.seen import macos, windows
from engine.devices.seen.device import SeenDevice
from engine.hardware import DeviceKind

RAM = 32 << 30
PLACE = "@System32\\drivers\\pci.sys,#65536;PCI bus %1, device %2, function %3;"


def device(guid: str = windows.DISPLAYS, service: str = "nvlddmkm", place: str = "(1,0,0)", **values: object) -> dict:
    return {"ClassGUID": guid, "Service": service, "LocationInformation": PLACE + place, **values}


def test_windows_a_card():
    found = windows.describe(
        r"PCI\VEN_10DE&DEV_2684&SUBSYS_167C10DE&REV_A1\4&2283F625&0&0019",
        device(DeviceDesc="@oem9.inf,%nvidia_dev.2684%;NVIDIA GeForce RTX 4090", Mfg="@oem9.inf,%nvidia%;NVIDIA"),
        {"DriverDesc": "NVIDIA GeForce RTX 4090", "DriverVersion": "32.0.15.6094", windows._MEMORY: 24 << 30},
        RAM,
    )
    assert found == SeenDevice(
        kind=DeviceKind.GPU,
        name="NVIDIA GeForce RTX 4090",
        vendor="NVIDIA",
        driver="nvlddmkm 32.0.15.6094",
        address="0000:01:00.0",
        memory_bytes=24 << 30,
    )


def test_windows_graphics_in_a_processor_may_borrow_half_of_the_memory():
    memory = (128 << 20).to_bytes(8, "little")
    values = {"DriverDesc": "Intel(R) Arc(TM) Graphics", "DriverVersion": "31.0", windows._MEMORY: memory}
    found = windows.describe(r"PCI\VEN_8086&DEV_7D55\3&1", device(service="igfxn", place="(0,2,0)"), values, RAM)
    assert found is not None
    assert (found.shares_memory, found.memory_bytes) == (True, (128 << 20) + (16 << 30))


def test_windows_an_npu():
    found = windows.describe(
        r"PCI\VEN_8086&DEV_7D1D&SUBSYS_0\3&11583659&0&58",
        device(windows.ACCELERATORS, "npu", "(0,11,0)"),
        {"DriverDesc": "Intel(R) AI Boost", "DriverVersion": "32.0.100.3104"},
        RAM,
    )
    assert found is not None
    assert (found.kind, found.name, found.vendor) == (DeviceKind.NPU, "Intel(R) AI Boost", "Intel")
    assert (found.address, found.shares_memory) == ("0000:00:0b.0", True)


def test_windows_an_npu_without_a_driver_is_of_no_class():
    found = windows.describe(r"PCI\VEN_1022&DEV_17F0\4&1", device("", "", "(197,0,1)"), {}, RAM)
    assert found is not None
    assert (found.kind, found.driver, found.address) == (DeviceKind.NPU, "", "0000:c5:00.1")


def test_windows_qualcomms_graphics_are_on_no_bus():
    values = {"DriverDesc": "Snapdragon(R) X Elite - X1E78100 - Qualcomm(R) Adreno(TM) GPU", "DriverVersion": "31.0"}
    found = windows.describe(r"ACPI\QCOM0C36\0", {"ClassGUID": windows.DISPLAYS, "Service": "qcdx"}, values, RAM)
    assert found is not None
    assert (found.vendor, found.address, found.shares_memory) == ("Qualcomm", "", True)


def test_windows_a_card_without_its_driver():
    values = {"DriverDesc": "Microsoft Basic Display Adapter", "DriverVersion": "10.0"}
    found = windows.describe(r"PCI\VEN_10DE&DEV_2684\4&1", device(service="BasicDisplay"), values, RAM)
    assert found is not None
    assert (found.vendor, found.driver, found.name) == ("NVIDIA", "", "")


@pytest.mark.parametrize(
    ("instance", "guid"),
    [
        (r"PCI\VEN_8086&DEV_7AD0\3&1", "{4d36e97d-e325-11ce-bfc1-08002be10318}"),  # a part of the board
        (r"ROOT\DISPLAY\0000", windows.DISPLAYS),  # a screen that is a program
        (r"PCI\VEN_1414&DEV_5353\3&1", windows.DISPLAYS),  # of a virtual machine
    ],
)
def test_windows_what_does_not_compute(instance: str, guid: str):
    assert windows.describe(instance, device(guid), {}, RAM) is None


def test_windows_is_not_asked_elsewhere():
    assert (windows.see_windows(), windows.instances()) == ((), ())


def displays(*entries: dict[str, str]) -> bytes:
    return json.dumps({"SPDisplaysDataType": entries}).encode()


def test_macos_apple_silicon():
    entry = {"sppci_model": "Apple M3 Max", "spdisplays_vendor": "sppci_vendor_Apple", "sppci_cores": "40"}
    graphics, engine = macos.describe(displays(entry), RAM, is_apple_silicon=True)
    assert (graphics.name, graphics.vendor, graphics.memory_bytes) == ("Apple M3 Max", "Apple", RAM)
    assert graphics.shares_memory
    assert (engine.kind, engine.name) == (DeviceKind.NPU, "Apple Neural Engine")


def test_macos_an_older_one_with_two():
    card = {"sppci_model": "AMD Radeon Pro 5500M", "spdisplays_vendor": "sppci_vendor_amd", "spdisplays_vram": "8 GB"}
    built_in = {"sppci_model": "Intel UHD Graphics 630", "spdisplays_vram_shared": "1536 MB"}
    first, second = macos.describe(displays(card, built_in), RAM, is_apple_silicon=False)
    assert (first.vendor, first.memory_bytes, first.shares_memory) == ("AMD", 8 << 30, False)
    assert (second.vendor, second.memory_bytes, second.shares_memory) == ("Intel", 1536 << 20, True)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"SPDisplaysDataType": [3]}'])
def test_macos_nonsense_is_no_device(text: bytes):
    assert macos.describe(text, RAM, is_apple_silicon=False) == ()
