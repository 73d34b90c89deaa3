import sys
import threading
from pathlib import Path

import pytest

from engine.devices import calibrate as module
from engine.devices.calibrate import CalibrationOrder, calibrate, last_cache_bytes
from engine.errors import DeviceError

ORDER = CalibrationOrder(
    device="gpu:0", backend="llama.cpp", interface="Vulkan", folder="", target="Vulkan0", version="1.2"
)


def test_the_last_cache_has_a_size():
    assert 1 << 18 <= last_cache_bytes() <= 1 << 34


def run_instead(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    monkeypatch.setattr(module, "child_command", lambda _order: [sys.executable, "-c", code])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGABRT)", r"gpu:0 through Vulkan ended with code -6 while"),
        (
            "raise SystemExit('the driver is on fire.')",
            r"ended with code 1 while it was measured: the driver is on fire",
        ),
        ("print('hello')", r"gave an answer that is no measurement\."),
        ('print(\'{"fault": "It is gone."}\')', r"gpu:0 through Vulkan cannot be measured: It is gone\."),
        ("print('{}')", r"cannot be measured: it gave no reason\."),
    ],
)
def test_whatever_goes_wrong_is_one_sentence(monkeypatch: pytest.MonkeyPatch, code: str, said: str):
    run_instead(monkeypatch, code)
    with pytest.raises(DeviceError, match=said) as raised:
        calibrate(ORDER)
    assert "\n" not in str(raised.value)


def test_a_device_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch):
    run_instead(monkeypatch, "import time; time.sleep(1000)")
    with pytest.raises(DeviceError, match=r"was not measured within 0\.2 s"):
        calibrate(ORDER, timeout_s=0.2)


def test_measuring_can_be_stopped(monkeypatch: pytest.MonkeyPatch):
    run_instead(monkeypatch, "import time; time.sleep(1000)")
    stop = threading.Event()
    stop.set()
    with pytest.raises(DeviceError, match="somebody stopped it"):
        calibrate(ORDER, stop=stop)


def test_a_program_that_cannot_be_started_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(module, "child_command", lambda _order: [str(tmp_path / "nothing")])
    with pytest.raises(DeviceError, match="cannot be measured"):
        calibrate(ORDER)


def test_a_frozen_program_starts_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert module.child_command(ORDER)[:2] == [sys.executable, module.FLAG]


@pytest.mark.models
def test_the_processor_is_measured_for_text(tmp_path: Path):
    rates = calibrate(
        CalibrationOrder(
            device="cpu",
            backend="llama.cpp",
            interface="CPU",
            version="7",
            folder=str(tmp_path),
            threads=1,
            is_quick=True,
        )
    )
    assert (rates.device, rates.backend, rates.interface, rates.version) == ("cpu", "llama.cpp", "CPU", "7")
    assert set(rates.decode_bytes_per_s) == set(rates.prefill_flops) == {"q4_k", "q8_0"}
    assert all(1e7 < rate < 1e13 for rate in rates.decode_bytes_per_s.values())
    assert rates.load_bytes_per_s > 0
    assert rates.measured_at > 1e9


@pytest.mark.models
def test_the_processor_is_measured_for_graphs():
    order = CalibrationOrder(
        device="cpu", backend="onnxruntime", interface="CPUExecutionProvider", folder="", threads=1, limit_s=0.4
    )
    rates = calibrate(order)
    assert rates.graph_flops > 1e8
    assert rates.decode_bytes_per_s == {}


@pytest.mark.models
def test_a_device_that_is_not_there_is_said_before_anything_is_written(tmp_path: Path):
    order = CalibrationOrder(
        device="gpu:9", backend="llama.cpp", interface="Vulkan", target="Vulkan9", folder=str(tmp_path)
    )
    with pytest.raises(DeviceError, match="Vulkan9"):
        calibrate(order)
    assert list(tmp_path.iterdir()) == []
