"""The twelve factors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import DEFAULT_WEIGHTS
from engine.queueing import FACTORS
from engine.scheduling.priority import HORIZON_S, Facts, parts_of, score, weights_of

USUAL = {
    "urgency": 0.5, "level": 0.5, "work_s": 4.0, "slack_s": 10.0, "due_s": 15.0, "load_s": 0.0, "company": 0.0,
    "known": 0.0, "poverty": 1.0, "lateness": 1.0, "lead_s": -np.inf, "unserved_s": np.inf, "evicted": 0.0,
    "headroom": 1.0, "waited_s": 0.0,
}  # fmt: skip

amounts = st.floats(0, 1e6)
shares = st.floats(0, 1)
facts = st.fixed_dictionaries(
    {
        "urgency": st.sampled_from([0.0, 0.5, 1.0]), "level": st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]),
        "work_s": amounts, "slack_s": st.floats(-1e6, 1e6), "due_s": st.floats(0.1, 1e4), "load_s": amounts,
        "company": st.floats(0, 100), "known": shares, "poverty": shares, "lateness": st.floats(0, 100),
        "lead_s": st.floats(-1e6, 1e6) | st.just(-np.inf),
        "unserved_s": st.floats(0, 1e6) | st.just(np.inf), "evicted": st.floats(0, 100), "headroom": shares,
        "waited_s": st.floats(0, 1e5),
    }
)  # fmt: skip


def scored(*rows: dict[str, float], weights=None):
    columns = {name: np.array([row[name] for row in rows], dtype=np.float64) for name in USUAL}
    return score(Facts(**columns), weights if weights is not None else weights_of())


def total(**changed: float) -> float:
    return float(scored({**USUAL, **changed}).total[0])


@given(st.lists(facts, min_size=1, max_size=5))
def test_eleven_factors_lie_between_0_and_1_and_come_to_at_most_1(rows):
    scores = scored(*rows)
    assert (scores.values[:-1] >= 0).all()
    assert (scores.values[:-1] <= 1).all()
    ages = np.array([row["waited_s"] for row in rows]) / HORIZON_S
    assert (scores.total - ages <= 1 + 1e-9).all()
    assert (scores.total - ages >= -1e-9).all()


@given(facts, facts)
def test_nobody_overtakes_who_arrives_later_than_the_horizon(older, younger):
    older = {**older, "waited_s": younger["waited_s"] + HORIZON_S + 0.01}
    first, second = scored(older, younger).total
    assert first > second


@given(facts, st.floats(0.001, 1000))
def test_a_score_only_grows_with_the_time_waited(row, longer_s):
    now, later = scored(row, {**row, "waited_s": row["waited_s"] + longer_s}).total
    assert later > now


@given(st.lists(facts, min_size=2, max_size=6), st.randoms())
def test_a_score_depends_on_nothing_but_its_own_facts(rows, chance):
    order = list(range(len(rows)))
    chance.shuffle(order)
    together, shuffled = scored(*rows).total, scored(*(rows[index] for index in order)).total
    np.testing.assert_array_equal(together[order], shuffled)
    assert scored(rows[0]).total[0] == pytest.approx(together[0], abs=1e-12)


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"urgency": 1.0}, {"urgency": 0.0}),
        ({"level": 1.0}, {"level": 0.0}),
        ({"work_s": 1.0}, {"work_s": 10.0}),
        ({"slack_s": 0.0}, {"slack_s": 10.0}),
        ({"slack_s": 0.0}, {"slack_s": -100.0}),  # hopeless: it would only make others late
        ({"load_s": 0.0}, {"load_s": 3.0}),
        ({"company": 1.0}, {"company": 0.0}),
        ({"known": 1.0}, {"known": 0.0}),
        ({"poverty": 1.0}, {"poverty": 0.0}),
        ({"lateness": 1.0}, {"lateness": 2.0}),
        ({"lead_s": 0.0}, {"lead_s": 1.0}),
        ({"unserved_s": 1.0}, {"unserved_s": 0.0}),
        ({"evicted": 0.0}, {"evicted": 1.0}),
        ({"headroom": 1.0}, {"headroom": 0.0}),
        ({"waited_s": 1.0}, {"waited_s": 0.0}),
    ],
)
def test_every_fact_has_its_direction(better, worse):
    assert total(**better) > total(**worse)


def test_the_default_weights_are_shares_and_every_factor_has_one():
    weights = weights_of()
    assert weights.points[:-1].sum() == pytest.approx(1)
    assert (weights.points > 0).all()
    assert weights["wait"] == pytest.approx(1 / HORIZON_S)
    assert sum(DEFAULT_WEIGHTS.values()) == pytest.approx(1)


def test_weights_are_scaled_and_may_be_left_out():
    weights = weights_of({"urgency": 3, "work": 1})
    assert (weights["urgency"], weights["work"], weights["energy"]) == (0.75, 0.25, 0.0)


def test_parts_explain_the_score():
    scores = scored({**USUAL, "waited_s": 12.0, "load_s": 9.0})
    parts = parts_of(scores, 0, weights_of())
    assert tuple(part.key for part in parts) == FACTORS
    assert sum(part.points for part in parts) == pytest.approx(float(scores.total[0]))
    words = {part.key: part.words for part in parts}
    assert words["wait"] == "it has waited 12 s"
    assert words["residency"] == "its model loads quickly"
    assert words["memory"] == "nothing must leave memory"
    assert parts_of(scored(USUAL), 0, weights_of())[-1].words == "it has just arrived"
