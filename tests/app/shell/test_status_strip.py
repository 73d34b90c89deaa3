"""The status strip says the engine's numbers in words and in meters."""

from dataclasses import replace

import pytest
from PySide6.QtWidgets import QLabel

from app.shell import StatusStrip
from app.theme import Appearance
from app.theme.widgets import SegmentBar
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
    cpu, memory = strip.findChildren(SegmentBar)
    assert [(part.role, part.share) for part in cpu.parts] == [("chart-1", 0.38), ("chart-8", 0.09)]
    assert cpu.accessibleDescription().startswith("CPU 47 %: Hearth 38, others 9.")
    assert "All cores are free." in cpu.accessibleDescription()
    assert "4.6 of 10.0 GB" in memory.accessibleDescription()


def test_memory_near_its_limit_warns(strip):
    strip.show_snapshot(replace(SNAPSHOT, memory_bytes=round(9.5 * GIB)))
    assert strip.findChildren(SegmentBar)[1].parts[0].role == "warning"


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
