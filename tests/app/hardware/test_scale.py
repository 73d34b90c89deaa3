"""Numbers beside a chart, and marks that do not overlap."""

import pytest

from app.hardware.chart import BUDGET_DASH, EVENT_MARK, LINE_WIDTH, OTHERS_ALPHA, OURS_ALPHA
from app.hardware.scale import MOST_MARK_ROWS, PERCENT, mark_rows, memory_scale
from app.theme import tokens

GIB = 1 << 30


@pytest.mark.parametrize(
    ("size", "labels"),
    [
        (15.4, ["0", "4", "8", "12", "16 GB"]),
        (23.4, ["0", "6", "12", "18", "24 GB"]),
        (7.6, ["0", "2", "4", "6", "8 GB"]),
        (31.1, ["0", "8", "16", "24", "32 GB"]),
        (10, ["0", "3", "6", "9", "12 GB"]),
        (0.9, ["0", "0.25", "0.5", "0.75", "1 GB"]),
        (1007, ["0", "256", "512", "768", "1024 GB"]),
    ],
)
def test_memory_is_cut_into_round_steps(size: float, labels: list[str]):
    scale = memory_scale(size * GIB)
    assert [words.replace("\u00a0", " ") for _, words in scale.ticks] == labels
    assert scale.top >= size * GIB
    assert scale.ticks[-1][0] == scale.top


def test_only_the_top_label_has_the_unit():
    assert [words for _, words in PERCENT.ticks] == ["0", "50", "100\u00a0%"]
    assert PERCENT.top == 1.0


def test_marks_that_would_overlap_stand_below_each_other():
    assert mark_rows([0, 100, 200], 18) == [0, 0, 0]
    assert mark_rows([0, 5, 10, 15, 40], 18) == [0, 1, 2, MOST_MARK_ROWS - 1, 0]
    assert mark_rows([], 18) == []


def test_measures_are_those_of_the_tokens():
    chart = tokens._token_table()["chart"]
    assert chart["line-width"] == LINE_WIDTH
    assert chart["area-alpha-ours"] == OURS_ALPHA
    assert chart["area-alpha-others"] == OTHERS_ALPHA
    assert list(BUDGET_DASH) == chart["budget-dash"]
    assert chart["event-mark"] == EVENT_MARK
