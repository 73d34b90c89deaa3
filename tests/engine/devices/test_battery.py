"""The battery, as the system tells of it."""

from types import SimpleNamespace

import pytest

from engine.devices.battery import battery_left, on_battery


@pytest.mark.parametrize(
    ("percent", "is_plugged", "left"),
    [(55, False, 55.0), (55, True, None), (55, None, None)],
)
def test_what_is_left_counts_only_away_from_the_mains(
    monkeypatch: pytest.MonkeyPatch, percent: int, is_plugged: bool | None, left: float | None
) -> None:
    told = SimpleNamespace(percent=percent, power_plugged=is_plugged)
    monkeypatch.setattr("psutil.sensors_battery", lambda: told, raising=False)
    assert battery_left() == left
    assert on_battery() is (left is not None)


def test_a_machine_without_a_battery_is_not_on_battery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.sensors_battery", lambda: None, raising=False)
    assert not on_battery()
    monkeypatch.delattr("psutil.sensors_battery", raising=False)
    assert not on_battery()
