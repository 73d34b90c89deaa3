"""The status strip says the engine's numbers in words and in meters."""

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel

from app.shell import StatusStrip
from app.theme import Appearance
from engine.hardware import DeviceInfo, DeviceKind, DeviceSample, HardwareSnapshot, Route, TelemetrySample
from engine.types import EngineSnapshot

GIB = 1 << 30
SNAPSHOT = EngineSnapshot(
    loaded=(),
    waiting=6,
    running=1,
    threads=2,
    threads_reason="All cores are free.",
    tokens_per_s=1142.4,
    memory_bytes=round(4.6 * GIB),
    memory_limit_bytes=10 * GIB,
    cpu_ours=0.38,
    cpu_others=0.09,
)


def device(name: str, fault: str = "") -> DeviceInfo:
    kind = DeviceKind(name.partition(":")[0])
    routes = (Route(backend="llama.cpp", interface="Vulkan"),)
    return DeviceInfo(id=name, kind=kind, name=name, routes=routes, fault=fault)


def with_devices(*devices: DeviceInfo, **samples: DeviceSample) -> HardwareSnapshot:
    """These devices, 61 % busy with our work and 4 % with others' unless told otherwise."""
    usual = DeviceSample(utilisation=0.65, ours=0.61)
    known = {each.id: samples.get(each.id.replace(":", ""), usual) for each in devices}
    latest = TelemetrySample(at_s=1.0, devices=known, memory_used_bytes=9 * GIB, memory_ours_bytes=round(7.6 * GIB))
    return HardwareSnapshot(
        devices=devices, loads={}, latest=latest, memory_bytes=16 * GIB, memory_budget_bytes=8 * GIB
    )


@pytest.fixture
def strip(qtbot) -> StatusStrip:
    strip = StatusStrip(Appearance("light"))
    qtbot.addWidget(strip)
    strip.resize(1280, 32)
    strip.show()
    return strip


def words(strip: StatusStrip) -> str:
    return " ".join(label.text() for label in strip.findChildren(QLabel)).replace("\u00a0", " ")


def test_before_the_engine_is_open_there_are_no_numbers(strip):
    assert not any(character.isdigit() for character in words(strip))
    assert "Nothing leaves this computer" in words(strip)


def test_numbers_keep_their_units(strip):
    strip.show_snapshot(SNAPSHOT)
    for expected in ("47 %", "4.6 of 10 GB", "6 waiting", "1,142 tok/s"):
        assert expected in words(strip)


def test_meters_tell_ours_from_others_and_say_the_numbers(strip):
    strip.show_snapshot(SNAPSHOT)
    cpu, memory = strip.meters[0].bar, strip._memory.bar
    assert [part.role for part in cpu.parts] == ["chart-1", "chart-8"]
    assert [part.share for part in cpu.parts] == pytest.approx([0.38, 0.09])
    assert cpu.accessibleDescription().startswith("CPU 47 %, Hearth 38, others 9.")
    assert "All cores are free." in cpu.accessibleDescription()
    assert "4.6 of 10.0 GB" in memory.accessibleDescription()


def test_memory_near_its_limit_warns(strip):
    strip.show_snapshot(replace(SNAPSHOT, memory_bytes=round(9.5 * GIB)))
    assert strip._memory.bar.parts[0].role == "warning"


def test_rounding_never_says_more_than_everything(strip):
    strip.show_snapshot(replace(SNAPSHOT, cpu_ours=0.996, cpu_others=0.5))
    assert "100 %" in words(strip)


def test_a_changing_number_moves_nothing(qtbot, strip):
    strip.show_snapshot(SNAPSHOT)
    strip.grab()
    before = [label.x() for label in strip.findChildren(QLabel)]
    strip.show_snapshot(replace(SNAPSHOT, waiting=0, tokens_per_s=3.0, cpu_ours=0.01, cpu_others=0.0))
    strip.grab()
    assert [label.x() for label in strip.findChildren(QLabel)] == before


def test_every_usable_device_has_a_meter(strip):
    strip.show_snapshot(
        SNAPSHOT, with_devices(device("cpu"), device("gpu:0"), device("npu:0"), device("gpu:1", "No driver."))
    )
    assert [meter.bar.accessibleName() for meter in strip.meters] == ["CPU", "GPU", "NPU"]
    gpu = strip.meters[1].bar
    assert [part.role for part in gpu.parts] == ["chart-1", "chart-8"]
    assert [part.share for part in gpu.parts] == pytest.approx([0.61, 0.04])
    assert gpu.accessibleDescription() == "GPU 65 %, Hearth 61, others 4."
    assert "2 threads" in strip.meters[0].bar.accessibleDescription()
    assert "7.6 of 8.0 GB" in words(strip)


def test_memory_stands_against_the_budget(strip):
    strip.show_snapshot(SNAPSHOT, with_devices(device("cpu")))
    memory = strip._memory.bar
    assert memory.accessibleDescription() == "Memory: Hearth uses 7.6 of 8.0 GB"
    assert memory.parts[0].role == "warning"


def test_more_than_three_devices_are_counted(strip):
    names = ("cpu", "gpu:0", "gpu:1", "gpu:2", "npu:0")
    strip.show_snapshot(SNAPSHOT, with_devices(*map(device, names)))
    assert [meter.bar.accessibleName().replace("\u00a0", " ") for meter in strip.meters] == ["CPU", "GPU 0", "GPU 1"]
    assert strip._more.isVisible()
    assert strip._more.text() == "+2"
    assert "NPU 65 %" in strip._more.toolTip()
    strip.show_snapshot(SNAPSHOT, with_devices(*map(device, names[:2])))
    assert not strip._more.isVisible()
    assert [meter.isVisible() for meter in strip.meters] == [True, True]


def test_what_is_not_known_is_a_dash_and_an_empty_bar(strip):
    strip.show_snapshot(SNAPSHOT, with_devices(device("cpu"), device("npu:0"), npu0=DeviceSample()))
    npu = strip.meters[1]
    assert (npu.value.text(), npu.bar.parts) == ("–", ())
    assert "this system does not say" in npu.bar.accessibleDescription()


def test_without_counters_our_own_share_is_shown(strip):
    strip.show_snapshot(SNAPSHOT, with_devices(device("cpu"), device("gpu:0"), gpu0=DeviceSample(ours=0.38)))
    gpu = strip.meters[1]
    assert gpu.value.text() == "38\u00a0%"
    assert [part.role for part in gpu.bar.parts] == ["chart-1"]
    assert "others unknown" in gpu.bar.accessibleDescription()


def test_changing_devices_numbers_move_nothing(strip):
    devices = (device("cpu"), device("gpu:0"), device("npu:0"))
    strip.show_snapshot(SNAPSHOT, with_devices(*devices))
    strip.grab()
    before = [(label.mapTo(strip, label.rect().topLeft()).x()) for label in strip.findChildren(QLabel)]
    none = DeviceSample()
    full = DeviceSample(utilisation=1.0, ours=1.0)
    strip.show_snapshot(SNAPSHOT, with_devices(*devices, cpu=full, gpu0=none, npu0=full))
    strip.grab()
    assert [(label.mapTo(strip, label.rect().topLeft()).x()) for label in strip.findChildren(QLabel)] == before


def test_in_a_narrow_window_the_promise_is_a_lock(strip):
    snapshot = with_devices(*map(device, ("cpu", "gpu:0", "gpu:1", "gpu:2", "npu:0")))
    strip.show_snapshot(SNAPSHOT, snapshot)
    strip.resize(1024, 32)
    assert strip._promise.isHidden()
    assert strip._lock.toolTip() == strip._lock.accessibleName() == "Nothing leaves this computer"
    assert strip.minimumSizeHint().width() <= 1024
    strip.resize(1600, 32)
    assert strip._promise.isVisible()
    strip.grab()
    right = strip._promise.mapTo(strip, strip._promise.rect().topRight()).x()
    assert right < 1600 - 8


def test_the_promise_is_in_its_place_at_the_first_show(qtbot):
    strip = StatusStrip(Appearance("light"))
    qtbot.addWidget(strip)
    strip.resize(1280, 32)
    strip.show()  # a window is painted before its layouts are asked again
    assert strip._promise.geometry().left() > strip._lock.geometry().left()
    assert strip._promise.width() >= strip._promise.sizeHint().width()


def test_a_first_sample_without_a_comparison_leaves_the_engines_own_numbers(strip):
    strip.show_snapshot(SNAPSHOT, with_devices(device("cpu"), device("gpu:0"), cpu=DeviceSample()))
    assert strip.meters[0].value.text() == "47\u00a0%"


def test_before_the_first_sample_the_processor_stands_alone(strip):
    waiting = with_devices(device("cpu"), device("gpu:0"))
    strip.show_snapshot(SNAPSHOT, replace(waiting, latest=None))
    assert [meter.bar.accessibleName() for meter in strip.meters] == ["CPU"]
    assert "47 %" in words(strip)
