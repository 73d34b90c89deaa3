import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli.devices_view import (
    caches_text,
    devices_table,
    fault_lines,
    limits_text,
    memory_text,
    modules_text,
    processor_text,
)
from engine.devices.ask import LLAMA, ONNX, AskedFault
from engine.devices.cgroup import CgroupLimits
from engine.devices.inventory import SWITCHED_OFF, Inventory
from engine.devices.seen.device import SeenDevice
from engine.devices.seen.libraries import Module
from engine.devices.seen.processor import Cache, Processor
from engine.hardware import DeviceInfo, DeviceKind, Route

CARD = DeviceInfo(
    id="gpu:0",
    kind=DeviceKind.GPU,
    name="NVIDIA [bold]Made Up[/bold]",
    vendor="NVIDIA",
    driver="nvidia 550.54",
    memory_bytes=24 * 10**9,
    routes=(
        Route(backend=LLAMA, interface="CUDA", target="CUDA0"),
        Route(backend=LLAMA, interface="Vulkan", fault="llama.cpp's Vulkan module crashes."),
        Route(backend=ONNX, interface="CUDAExecutionProvider"),
    ),
)


def test_the_processor_is_listed_with_what_reaches_it(hearth) -> None:
    ended = hearth("devices")
    assert ended.code == 0
    assert "cpu" in ended.out
    assert "reached through" in ended.out
    document = hearth("devices", "--json").document
    assert document.keys() == {"devices", "faults", "rates"}
    cpu = document["devices"][0]
    assert (cpu["id"], cpu["kind"], cpu["is_usable"], cpu["fault"]) == ("cpu", "cpu", True, "")
    assert [(route["backend"], route["interface"]) for route in cpu["routes"]] == [
        (LLAMA, "CPU"), (ONNX, "CPUExecutionProvider"),
    ]  # fmt: skip


def test_what_is_switched_off_is_listed_too(hearth, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = SeenDevice(kind=DeviceKind.NPU, name="An NPU", vendor="Intel", driver="intel_vpu 6.8")
    monkeypatch.setattr(
        "engine.cli.devices.inventory_of", lambda config: Inventory(None, None, allowed=("cpu",), see=lambda: (seen,))
    )
    out = hearth("devices").out
    assert "An NPU" in out
    assert f"npu:0: {SWITCHED_OFF}" in out


def test_a_device_that_is_none_is_wrong_use_of_the_setting(hearth, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARTH_DEVICES", "tpu")
    ended = hearth("devices")
    assert ended.code == 1
    assert ended.err.startswith("HEARTH_DEVICES names 'tpu'. Known are cpu, gpu, npu")


def text_of(table: object) -> str:
    from rich.console import Console

    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_a_row_says_all_ways_that_work() -> None:
    row = text_of(devices_table([CARD])).splitlines()[-2]
    for part in (
        "gpu:0",
        "NVIDIA [bold]Made Up[/bold]",
        "24.0 GB",
        "nvidia 550.54",
        "llama.cpp CUDA; onnxruntime CUDA",
    ):
        assert part in row
    unreached = DeviceInfo(
        id="npu:0", kind=DeviceKind.NPU, name="An NPU", shares_memory=True, fault="It has no driver."
    )
    assert "cannot be used" in text_of(devices_table([unreached]))


def test_every_fault_is_said_once() -> None:
    faults = [
        AskedFault(backend=LLAMA, interface="Vulkan", sentence="llama.cpp's Vulkan module crashes."),
        AskedFault(backend=ONNX, interface="X", sentence="X finds no device."),
    ]
    lost = DeviceInfo(
        id="gpu:1", kind=DeviceKind.GPU, name="RPC server", fault="It is gone.",
        routes=(Route(backend=LLAMA, interface="RPC", fault="It is gone."),),
    )  # fmt: skip
    assert list(fault_lines([CARD, lost], faults)) == [
        "gpu:0, Vulkan: llama.cpp's Vulkan module crashes.",
        "gpu:1: It is gone.",
        "X finds no device.",
    ]


@pytest.mark.parametrize(
    ("kind", "size", "shares", "expected"),
    [
        (DeviceKind.GPU, 24 * 10**9, False, "24.0 GB"),
        (DeviceKind.GPU, 24 * 10**9, True, "24.0 GB, shared"),
        (DeviceKind.CPU, 24 * 10**9, True, "24.0 GB"),
        (DeviceKind.NPU, None, True, "shared"),
        (DeviceKind.GPU, None, False, "unknown"),
    ],
)
def test_memory_is_never_zero_for_unknown(kind: DeviceKind, size: int | None, shares: bool, expected: str) -> None:
    device = DeviceInfo(id="x", kind=kind, name="x", memory_bytes=size, shares_memory=shares)
    assert memory_text(device) == expected


def test_a_processor_in_words() -> None:
    caches = (
        Cache(level=1, kind="data", size_bytes=48 << 10, shared_by=2, count=4),
        Cache(level=3, kind="unified", size_bytes=30 << 20, shared_by=8, count=1),
    )
    assert caches_text(caches) == "L1 data 4 x 48 KiB, L3 30 MiB"
    processor = Processor(
        name="It", vendor="", sockets=1, physical_cores=4, logical_cores=None, usable_physical_cores=2, usable_cores=3,
        features=(), caches=caches, memory_bytes=1, available_bytes=1, limits=CgroupLimits(2 * 10**9, 0, 1.5),
    )  # fmt: skip
    assert processor_text(processor) == "It, 1 socket, 4 physical cores, 3 usable"
    assert limits_text(processor) == "2.0 GB of memory and 1.5 cores"


def test_modules_in_words() -> None:
    module = Module(
        name="vulkan", interface="Vulkan", path=Path("x"), size_bytes=28_500_000, modified_ns=0, is_loadable=True
    )
    assert modules_text([module]) == "Vulkan (28.5 MB)"
    assert "`make backends`" in modules_text([])


def test_the_program_can_be_started_to_ask(tmp_path: Path) -> None:
    (tmp_path / "stand_in.py").write_text("print('noise')\ndef reached(): return []\n")
    command = [sys.executable, "-c", "from engine.cli.entry import main; main()"]
    ended = subprocess.run(
        [*command, "--ask-devices", "stand_in:reached", "{}", "60"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert ended.stdout == '{"devices":[],"fault":""}'
