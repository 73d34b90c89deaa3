from pathlib import Path

import pytest

from engine.devices.telemetry.kept_file import KeptFile, Rate, Seldom


def test_a_kept_file_says_what_it_says_now(tmp_path: Path) -> None:
    path = tmp_path / "value"
    path.write_text("41\n")
    file = KeptFile(path)
    assert file.is_open
    assert file.number() == 41
    path.write_text("7\n")
    assert (file.number(), file.text()) == (7, "7\n")
    path.write_text("not a number\n")
    assert file.number() is None
    file.close()
    file.close()
    assert not file.is_open
    assert file.text() is None


def test_a_file_that_is_not_there_is_unknown(tmp_path: Path) -> None:
    file = KeptFile(tmp_path / "none")
    assert not file.is_open
    assert file.number() is None


def test_a_number_that_moves_slowly_is_read_seldom() -> None:
    values = iter([1, 2])
    number = Seldom(2.0, lambda: next(values))
    assert [number.value(at_s) for at_s in (0.0, 1.0, 1.9, 1.99, 3.9)] == [1, 1, 1, 2, 2]


def test_a_rate_needs_two_counts() -> None:
    rate = Rate()
    assert rate.of(100, 1.0) is None
    assert rate.of(300, 2.0) == 200
    assert rate.of(310, 2.01) == 200  # too soon to say anything new
    assert rate.of(None, 3.0) is None
    assert rate.of(500, 4.0) is None
    assert rate.of(500, 5.0) == 0


@pytest.mark.parametrize(("wraps_at", "expected"), [(1000, 60), (None, None)])
def test_a_counter_that_begins_again(wraps_at: int | None, expected: float | None) -> None:
    rate = Rate(wraps_at=wraps_at)
    rate.of(950, 0.0)
    assert rate.of(10, 1.0) == expected
