"""When devices are measured: asked for, or by themselves when nobody works. What is measured is tested elsewhere."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.devices.calibrate import CalibrationOrder, Stop
from engine.devices.inventory import Inventory
from engine.devices.prediction import Rates
from engine.devices.rates import RateStore
from engine.errors import DeviceError
from engine.hardware import DeviceInfo, DeviceKind, HardwareEvent, HardwareEventKind, Route
from engine.scheduling import measuring
from engine.scheduling.measuring import IDLE_S, Measuring, Setup

GPU = DeviceInfo(
    id="gpu:0",
    kind=DeviceKind.GPU,
    name="Test GPU",
    routes=(Route(backend="llama.cpp", interface="Vulkan", target="Vulkan0", version="1"),),
)


class TwoDevices(Inventory):
    def devices(self) -> tuple[DeviceInfo, ...]:
        cpu = super().devices()[0]
        return (replace(cpu, routes=cpu.routes[:1]), GPU)


class Bench:
    """Measures without measuring."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.orders: list[CalibrationOrder] = []
        self.events: list[HardwareEvent] = []
        self.answer: Callable[[CalibrationOrder, Stop], Rates] = self.rates
        self.measured = threading.Event()
        self.store = RateStore(folder / "rates.json")
        setup = Setup(folder=folder / "models", modules=None, threads=2)
        self.measuring = Measuring(TwoDevices(None, None), self.store, setup, self.events.append)
        monkeypatch.setattr(measuring, "calibrate", self.calibrate)
        monkeypatch.setattr(measuring, "_BEAT_S", 0.01)

    def calibrate(self, order: CalibrationOrder, stop: Stop) -> Rates:
        self.orders.append(order)
        try:
            return self.answer(order, stop)
        finally:
            if len(self.orders) >= 2:
                self.measured.set()

    @staticmethod
    def rates(order: CalibrationOrder, _stop: Stop) -> Rates:
        return Rates(
            device=order.device,
            backend=order.backend,
            interface=order.interface,
            version=order.version,
            decode_bytes_per_s={"q8_0": 1e9},
            prefill_flops={"q8_0": 1e9},
        )


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bench = Bench(tmp_path, monkeypatch)
    yield bench
    bench.measuring.close()


def test_all_devices_are_measured_and_kept(bench: Bench):
    told: list[tuple[float, str]] = []
    rates = bench.measuring.measure_all(lambda share, words: told.append((share, words)), threading.Event())
    assert [each.device for each in rates] == ["cpu", "gpu:0"]
    assert [order.target for order in bench.orders] == ["", "Vulkan0"]
    assert told == [(0, "Measuring cpu through CPU"), (0.5, "Measuring gpu:0 through Vulkan")]
    assert len(bench.store.all()) == 2
    assert [event.kind for event in bench.events] == [HardwareEventKind.MEASURED] * 2


def test_one_that_cannot_be_measured_does_not_spoil_the_others(bench: Bench):
    def answer(order: CalibrationOrder, stop: Stop) -> Rates:
        if order.device == "cpu":
            raise DeviceError("cpu cannot be measured.")
        return bench.rates(order, stop)

    bench.answer = answer
    rates = bench.measuring.measure_all(lambda _share, _words: None, threading.Event())
    assert [each.device for each in rates] == ["gpu:0"]


def test_if_none_can_the_reason_is_said(bench: Bench):
    def answer(order: CalibrationOrder, _stop: Stop) -> Rates:
        raise DeviceError(f"{order.device} cannot be measured.")

    bench.answer = answer
    with pytest.raises(DeviceError, match="gpu:0 cannot be measured"):
        bench.measuring.measure_all(lambda _share, _words: None, threading.Event())


def test_what_was_never_measured_is_when_nobody_works(bench: Bench):
    bench.measuring.measure_when_idle(lambda: IDLE_S + 1)
    assert bench.measured.wait(10)
    assert {order.device for order in bench.orders} == {"cpu", "gpu:0"}


def test_whoever_needs_the_machine_stops_a_measurement_that_nobody_asked_for(bench: Bench):
    idle_s = [IDLE_S + 1]
    stopped: list[str] = []

    def answer(order: CalibrationOrder, stop: Stop) -> Rates:
        if not stopped:
            idle_s[0] = 0.0
            assert stop.is_set()
            stopped.append(order.device)
            idle_s[0] = IDLE_S + 1
            raise DeviceError("It was stopped.")
        return bench.rates(order, stop)

    bench.answer = answer
    bench.measuring.measure_when_idle(lambda: idle_s[0])
    assert bench.measured.wait(10)
    assert stopped == ["cpu"]
    assert [order.device for order in bench.orders][:2] == ["cpu", "cpu"]  # it is tried again


def test_nothing_is_measured_while_somebody_works(bench: Bench):
    bench.measuring.measure_when_idle(lambda: 0.0)
    assert not bench.measured.wait(0.2)
    assert bench.orders == []
