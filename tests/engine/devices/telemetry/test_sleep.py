from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from engine.devices.telemetry.sleep import QUIET_SAMPLES, REST_S, LettingSleep
from engine.hardware import DeviceSample

CAN_SLEEP = {"power/runtime_status": "active", "power/control": "auto", "boot_vga": 0}


class Asked:
    """A source that notes when it was asked."""

    def __init__(self, utilisation: float | None) -> None:
        self.utilisation = utilisation
        self.times: list[float] = []
        self.is_closed = False

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        self.times.append(now_s)
        return {"gpu:0": DeviceSample(utilisation=self.utilisation, power_w=now_s)}

    def close(self) -> None:
        self.is_closed = True


def never(device: str) -> bool:
    return False


def read(source: LettingSleep, seconds: int, begin_s: int = 0) -> list[DeviceSample]:
    return [source.read(float(begin_s + second))["gpu:0"] for second in range(seconds)]


def test_a_sleeping_device_does_nothing_and_is_not_asked(tree: Callable[..., Path]) -> None:
    asked = Asked(0.4)
    source = LettingSleep("gpu:0", tree({**CAN_SLEEP, "power/runtime_status": "suspended"}), asked, never)
    assert read(source, 3) == [DeviceSample(utilisation=0.0)] * 3
    assert asked.times == []
    tree({"power/runtime_status": "active"})
    assert read(source, 1, begin_s=3) == [DeviceSample(utilisation=0.4, power_w=3.0)]


def test_a_device_that_does_nothing_is_given_time_to_fall_asleep(tree: Callable[..., Path]) -> None:
    asked = Asked(0.0)
    source = LettingSleep("gpu:0", tree(CAN_SLEEP), asked, never)
    samples = read(source, 20)
    assert asked.times == [0, 1, 2, 3, 4, 11, 18]
    assert QUIET_SAMPLES == 5
    assert REST_S == 7
    assert {sample.utilisation for sample in samples} == {0.0}
    asked.utilisation = 0.5
    read(source, 10, begin_s=20)
    assert asked.times[7:] == [25, 26, 27, 28, 29]


def test_a_device_that_hearth_gives_work_is_not_left_alone(tree: Callable[..., Path]) -> None:
    asked, at_work = Asked(0.0), set()
    source = LettingSleep("gpu:0", tree(CAN_SLEEP), asked, at_work.__contains__)
    read(source, 8)
    assert len(asked.times) == QUIET_SAMPLES
    at_work.add("gpu:0")
    read(source, 3, begin_s=8)
    assert asked.times[QUIET_SAMPLES:] == [8, 9, 10]


@pytest.mark.parametrize(
    "files",
    [
        {**CAN_SLEEP, "power/control": "on"},
        {**CAN_SLEEP, "boot_vga": 1},
        {},
    ],
    ids=["never sleeps", "draws the screen", "says nothing"],
)
def test_a_device_that_would_not_sleep_is_asked_every_time(
    tree: Callable[..., Path], files: Mapping[str, object]
) -> None:
    asked = Asked(0.0)
    read(LettingSleep("gpu:0", tree(files), asked, never), 20)
    assert len(asked.times) == 20


@pytest.mark.parametrize("utilisation", [0.01, None])
def test_a_device_that_works_or_does_not_say_is_asked_every_time(
    tree: Callable[..., Path], utilisation: float | None
) -> None:
    asked = Asked(utilisation)
    read(LettingSleep("gpu:0", tree(CAN_SLEEP), asked, never), 20)
    assert len(asked.times) == 20


def test_a_device_without_a_folder_never_sleeps() -> None:
    asked = Asked(0.0)
    source = LettingSleep("gpu:0", None, asked, never)
    assert len(read(source, 9)) == len(asked.times)
    source.close()
    assert asked.is_closed
