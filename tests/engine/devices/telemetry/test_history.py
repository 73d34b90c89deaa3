import pytest

from engine.devices.telemetry.history import BELIEVED_S, History
from engine.hardware import DeviceSample, TelemetrySample


def sample(at_s: float, power_w: float | None = None) -> TelemetrySample:
    devices = {"gpu:0": DeviceSample(power_w=power_w)}
    return TelemetrySample(at_s=at_s, devices=devices, memory_used_bytes=0, memory_ours_bytes=0)


def history(*powers_w: float | None) -> History:
    """A sample per second, the first at 1 s."""
    made = History()
    for second, power_w in enumerate(powers_w, 1):
        made.add(sample(second, power_w))
    return made


def times(made: History, since_s: float = 0.0) -> list[float]:
    return [it.at_s for it in made.since(since_s)]


def test_nothing_before_the_first() -> None:
    assert History().latest is None
    assert History().since(0.0) == ()


def test_samples_since_a_moment_oldest_first() -> None:
    made = history(1, 1, 1, 1)
    assert times(made, 2.5) == [3, 4]
    assert times(made, 3) == [3, 4]
    assert times(made, 5) == []
    assert made.latest == made.since(4)[0]


def test_an_hour_is_kept_and_no_more() -> None:
    made = History(kept_s=10, most=100)
    for second in range(50):
        made.add(sample(second))
    assert times(made) == list(range(39, 50))


def test_the_number_of_samples_is_bounded() -> None:
    made = History(most=5)
    for number in range(20):
        made.add(sample(number / 1000))
    assert times(made) == [number / 1000 for number in range(15, 20)]


def test_energy_is_power_over_time() -> None:
    made = history(10, 20, 30, 40)
    assert made.energy_j("gpu:0", 1, 4) == pytest.approx(20 + 30 + 40)
    assert made.energy_j("gpu:0", 1.5, 3.25) == pytest.approx(20 * 0.5 + 30 + 40 * 0.25)
    assert made.energy_j("gpu:0", 2.25, 2.5) == pytest.approx(30 * 0.25)
    assert made.energy_j("gpu:0", 2, 2) == 0.0


def test_the_newest_power_stands_for_what_comes_after_it() -> None:
    made = history(10, 20)
    assert made.energy_j("gpu:0", 1.5, 2.6) == pytest.approx(20 * 0.5 + 20 * 0.6)
    assert made.energy_j("gpu:0", 2.5, 3.5) == pytest.approx(20)
    assert made.energy_j("gpu:0", 2.5, 2 + BELIEVED_S + 1) is None


def test_energy_is_unknown_where_power_is() -> None:
    assert history(10, None, 10, 10).energy_j("gpu:0", 1, 4) is None
    assert history(None, None, 10, 10).energy_j("gpu:0", 2, 4) == pytest.approx(20)
    assert history(10, 10).energy_j("npu:0", 1, 2) is None
    assert history(10, 10).energy_j("gpu:0", 0, 2) is None  # before anybody looked
    assert History().energy_j("gpu:0", 0, 1) is None


def test_energy_is_unknown_over_a_gap() -> None:
    made = history(10, 10)
    made.add(sample(60, 10))
    made.add(sample(61, 10))
    assert made.energy_j("gpu:0", 1, 61) is None
    assert made.energy_j("gpu:0", 60, 61) == pytest.approx(10)
