import pytest

from engine.devices.seen.device import pci_address, vendor_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0000:01:00.0", "0000:01:00.0"),
        ("00000000:0A:00.0", "0000:0a:00.0"),  # as NVML writes it
        ("1:0.0", "0000:01:00.0"),
        ("10000:01:00.0", "10000:01:00.0"),  # domains of VMD controllers have five digits
        ("fdab0000.npu", "fdab0000.npu"),
        ("", ""),
    ],
)
def test_places_on_the_bus_are_spelled_in_one_way(text: str, expected: str):
    assert pci_address(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NVIDIA Corporation", "NVIDIA"),
        ("GeForce RTX 4090", "NVIDIA"),
        ("Advanced Micro Devices, Inc. [AMD/ATI]", "AMD"),
        ("AMD Radeon 780M (RADV PHOENIX), Mesa 24.0", "AMD"),
        ("Intel(R) Arc(tm) A770 Graphics (DG2)", "Intel"),
        ("llvmpipe (LLVM 15.0.6, 256 bits)", "Mesa"),
        ("0x10de", "NVIDIA"),
        ("0xffff", ""),
        ("Apple M3 Max", "Apple"),
        ("Pineapple 3000", ""),
        ("Compatible display", ""),  # which contains "ati"
        ("", ""),
    ],
)
def test_makers_are_found_in_names(text: str, expected: str):
    assert vendor_of(text) == expected
