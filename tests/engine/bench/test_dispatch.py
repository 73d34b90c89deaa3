from pathlib import Path

import pytest

from engine.bench.at_once import AUTOMATIC, Sides, figures, is_real
from engine.bench.prediction_error import Measured, least_disturbed, quiet_moment, summary
from engine.devices.cpu_load import CpuLoad
from engine.hardware import DeviceInfo, DeviceKind, Route
from engine.models.shape import ModelShape


class Meter:
    """Says what a list says."""

    def __init__(self, *others: float) -> None:
        self.others = list(others)
        self.asked = 0

    def sample(self) -> CpuLoad:
        self.asked += 1
        return CpuLoad(1.0, self.others.pop(0) if self.others else 0.0)


def measured(predicted: list[float], real: list[float]) -> Measured:
    return Measured(path=Path(), shape=ModelShape(size_bytes=1), predicted=predicted, real=real, others=[0.0])


def test_a_run_is_compared_with_the_calibrations_around_it() -> None:
    assert measured([10, 30, 50], [20, 20]).error == pytest.approx(0.5)  # the median of 0 and 1
    assert measured([10, 10], [20]).error == pytest.approx(-0.5)


def test_the_error_of_the_bench_is_the_median_of_the_models() -> None:
    found = {"a": measured([11, 11], [10]), "b": measured([8, 8], [10]), "c": measured([15, 15], [10])}
    figures, samples = summary(found)
    assert figures["median_error"] == pytest.approx(0.2)
    assert figures["error_b"] == pytest.approx(-0.2)
    assert samples["tokens_per_s_c"] == [10]


async def test_a_disturbed_run_is_done_again_and_the_least_disturbed_one_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def at_once(_meter: object, _most_s: float) -> None:
        """Nobody waits in a test."""

    monkeypatch.setattr("engine.bench.prediction_error.quiet_moment", at_once)

    async def run(attempt: int) -> float:
        return float(attempt)

    assert await least_disturbed(run, Meter(0, 1.0, 0, 0.1)) == (1.0, 0.1)
    assert await least_disturbed(run, Meter(0, 1.0, 0, 0.5, 0, 0.9), most=3) == (1.0, 0.5)


async def test_a_quiet_moment_is_waited_for_but_not_for_ever() -> None:
    quiet, busy = Meter(0, 1.0, 0, 0.0), Meter(*[1.0] * 100)
    await quiet_moment(quiet, 30.0)
    assert quiet.asked == 4
    await quiet_moment(busy, 0.0)
    assert busy.asked == 0


def test_the_gain_is_what_the_same_work_would_take_on_the_best_single_device() -> None:
    sides = Sides(
        tokens_per_s={"cpu": [10.0], "gpu:0": [100.0]},
        images_per_s={"cpu": [50.0], "gpu:0": [20.0]},
        at_once={("gpu:0", "cpu"): [(100.0, 50.0)], ("cpu", "cpu"): [(5.0, 25.0)]},
    )
    assert sides.gain(("gpu:0", "cpu")) == pytest.approx(3.5)  # on gpu:0 alone; on the processor 11 s
    assert sides.gain(("cpu", "cpu")) == pytest.approx(1.0)
    assert sides.gain(("cpu", "gpu:0")) is None
    assert Sides(tokens_per_s={"gpu:0": [1.0]}, images_per_s={"cpu": [1.0]}).gain(("gpu:0", "cpu")) is None


def device(device_id: str, name: str, interface: str = "Vulkan") -> DeviceInfo:
    kind = DeviceKind(device_id.partition(":")[0])
    return DeviceInfo(id=device_id, kind=kind, name=name, routes=(Route(backend="llama.cpp", interface=interface),))


def test_the_target_counts_where_two_real_devices_are() -> None:
    cpu, card = device("cpu", "EPYC", "CPU"), device("gpu:0", "RTX")
    pretended, server = device("gpu:0", "llvmpipe (LLVM 15), in software"), device("gpu:0", "RPC server", "RPC")
    assert [is_real(one) for one in (cpu, card, pretended, server)] == [True, True, False, False]
    sides = Sides(
        tokens_per_s={"cpu": [10.0]}, images_per_s={"cpu": [50.0]}, at_once={(AUTOMATIC, AUTOMATIC): [(10.0, 40.0)]}
    )
    found, samples = figures(sides, [cpu, card])
    assert found["combined_gain"] == found["combined_gain_dispatcher"] == pytest.approx(1.8)
    assert samples["images_per_s_at_once_dispatcher"] == [40.0]
    assert "combined_gain" not in figures(sides, [cpu, pretended])[0]
