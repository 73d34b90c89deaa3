"""The governor, fed with loads; and with real busy processes."""

import pytest

from engine.devices.cpu_load import CpuLoad, CpuLoadMeter, CpuTimes
from engine.scheduling.threads import QUIET_SAMPLES, ThreadGovernor


class Loads:
    """A meter that says what it is told."""

    def __init__(self) -> None:
        self.others: float | None = 0.0

    def __call__(self) -> CpuLoad | None:
        return None if self.others is None else CpuLoad(1.0, self.others)


def settled(cores: int, others: float) -> int:
    loads = Loads()
    governor = ThreadGovernor(cores, meter=loads)
    loads.others = others
    for _ in range(10):
        governor.update()
    return governor.choice.threads


@pytest.mark.parametrize(
    ("cores", "others", "threads"),
    [
        (2, 0.0, 2),
        (2, 0.4, 2),
        (2, 0.7, 1),
        (2, 2.0, 1),
        (8, 0.0, 8),
        (8, 1.0, 7),
        (8, 3.3, 5),
        (8, 40.0, 1),
        (1, 1.0, 1),
    ],
)
def test_takes_the_cores_that_others_leave(cores: int, others: float, threads: int) -> None:
    assert settled(cores, others) == threads


def test_gives_up_a_thread_at_the_first_sample_and_claims_it_back_after_some() -> None:
    loads = Loads()
    governor = ThreadGovernor(4, meter=loads)
    loads.others = 2.0
    assert governor.update().threads == 2
    loads.others = 0.0
    counts = [governor.update().threads for _ in range(QUIET_SAMPLES)]
    assert counts == [2] * (QUIET_SAMPLES - 1) + [4]


def test_does_not_flap_when_the_load_sits_on_a_border() -> None:
    loads = Loads()
    governor = ThreadGovernor(4, meter=loads)
    changes, last = 0, 4
    for sample in range(100):
        loads.others = 0.45 if sample % 2 else 0.55
        threads = governor.update().threads
        changes += threads != last
        last = threads
    assert changes <= 1


def test_without_a_due_sample_nothing_changes() -> None:
    loads = Loads()
    governor = ThreadGovernor(4, meter=loads)
    loads.others = None
    assert governor.update().threads == 4


def test_a_number_set_by_hand_stays() -> None:
    loads = Loads()
    governor = ThreadGovernor(8, fixed=3, meter=loads)
    loads.others = 8.0
    assert governor.update().threads == 3
    assert "by hand" in governor.choice.reason


def test_the_reason_names_the_numbers() -> None:
    loads = Loads()
    governor = ThreadGovernor(6, meter=loads)
    loads.others = 1.9
    assert governor.update().reason == "4 threads instead of 6: other programs use 1.9 cores"


def test_the_meter_splits_the_load_between_us_and_others() -> None:
    readings = iter([CpuTimes(10.0, 100.0, 5.0), CpuTimes(12.0, 103.0, 6.0)])
    meter = CpuLoadMeter(lambda: next(readings))
    assert meter.sample() == CpuLoad(ours=0.5, others=1.0)


def test_the_meter_never_reports_less_than_nothing() -> None:
    readings = iter([CpuTimes(10.0, 100.0, 5.0), CpuTimes(11.0, 100.9, 6.0)])
    meter = CpuLoadMeter(lambda: next(readings))
    assert meter.sample().others == 0.0
