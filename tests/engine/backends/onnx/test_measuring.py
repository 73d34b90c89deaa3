"""Measured speeds: of clocks that are known, of the processor, and of OpenVINO's CPU device."""

import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.backends.base import CPU_TARGET, DeviceTarget
from engine.backends.onnx import measuring
from engine.backends.onnx.measuring import LARGE, SMALL, measure_graph
from engine.backends.onnx.remote_session import RemoteSession
from engine.errors import DeviceLostError
from tests.engine.backends.onnx.openvino_wheel import needs_openvino
from tests.engine.backends.onnx.poked import WORKER


class Clockwork:
    """Takes `overhead` and a nanosecond per operation, on a clock that only it moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, overhead: float, factor: float = 1.0) -> None:
        self.now = 0.0
        self.closed = 0
        self._overhead, self._factor = overhead, factor
        self.assignment = SimpleNamespace(share=0.5)
        monkeypatch.setattr(measuring, "time", SimpleNamespace(perf_counter=lambda: self.now))

    def open(self, path: Path, threads: int, target: DeviceTarget) -> "Clockwork":
        assert path.stat().st_size > 0
        return self

    def run(self, feeds):
        operations = next(size.operations for size in (SMALL, LARGE) if size.side == feeds["x"].shape[2])
        self.now += self._overhead + operations**self._factor * 1e-9
        return []

    def close(self) -> None:
        self.closed += 1


def test_rate_and_overhead_are_told_apart(monkeypatch: pytest.MonkeyPatch):
    clockwork = Clockwork(monkeypatch, 0.25e-3)
    speed = measure_graph(CPU_TARGET, 1, open_graph=clockwork.open)
    assert speed.flops_per_s == pytest.approx(1e9)
    assert speed.overhead_s == pytest.approx(0.25e-3)
    assert speed.share == 0.5
    assert clockwork.closed == 2


def test_a_machine_too_busy_to_tell_still_gives_a_rate(monkeypatch: pytest.MonkeyPatch):
    clockwork = Clockwork(monkeypatch, 1.0, factor=0.0)  # whatever the size, the same time
    speed = measure_graph(CPU_TARGET, 1, open_graph=clockwork.open)
    assert speed.flops_per_s == pytest.approx(LARGE.operations)
    assert speed.overhead_s >= 0


def test_a_device_that_fails_leaves_no_session_open(monkeypatch: pytest.MonkeyPatch):
    clockwork = Clockwork(monkeypatch, 1.0)

    def fail(feeds):
        raise DeviceLostError("It is gone.")

    clockwork.run = fail
    with pytest.raises(DeviceLostError):
        measure_graph(CPU_TARGET, 1, open_graph=clockwork.open)
    assert clockwork.closed == 1


def test_the_processor():
    began = time.perf_counter()
    speed = measure_graph(CPU_TARGET, 1, budget_s=0.2)
    assert time.perf_counter() - began < 20
    assert speed.flops_per_s > 1e8
    assert 0 <= speed.overhead_s < 0.1
    assert speed.share == 1.0


@needs_openvino
def test_a_device(openvino: DeviceTarget):
    def open_graph(path: Path, threads: int, target: DeviceTarget) -> RemoteSession:
        return RemoteSession(path, threads, target, worker=WORKER)

    speed = measure_graph(openvino, 1, budget_s=0.2, open_graph=open_graph)
    assert speed.flops_per_s > 1e8
    assert 0 <= speed.overhead_s < 0.1
    assert speed.share == 1.0
