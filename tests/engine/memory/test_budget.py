"""Who leaves when another wants the room."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.memory.budget import HALF_LIFE_S, Holding, MemoryBudget, Room

NOW_S = 10_000.0

holdings = st.builds(
    Holding,
    key=st.none(),
    size_bytes=st.integers(1, 60),
    reload_s=st.sampled_from([0.0, 0.5, 1.0, 3.0, 20.0]),
    used_s=st.sampled_from([0.0, 9_000.0, 9_990.0]),
    uses=st.sampled_from([0.0, 0.3, 1.0, 5.0]),
    holders=st.sampled_from([0, 0, 0, 1, 2]),
    wanted=st.sampled_from([0, 0, 1]),
    is_pinned=st.sampled_from([False, False, False, True]),
)
sets = st.lists(holdings, max_size=8).map(
    lambda found: [replace(holding, key=number) for number, holding in enumerate(found)]
)


def budget_of(found: list[Holding], slack_bytes: int | None) -> MemoryBudget:
    """A budget with these in it, and a limit that leaves this much."""
    used = sum(holding.size_bytes for holding in found)
    budget = MemoryBudget(None if slack_bytes is None else used + slack_bytes)
    for holding in found:
        budget.add(holding.key, holding.size_bytes, holding.reload_s, holding.used_s)
        budget.adopt(holding)
    return budget


def fits_without(found: list[Holding], gone, size: int, slack: int | None, free: int | None) -> bool:
    freed = sum(holding.size_bytes for holding in found if holding.key in gone)
    return (slack is None or size <= slack + freed) and (free is None or size <= free + freed)


arguments = {
    "found": sets,
    "size": st.integers(0, 200),
    "slack": st.none() | st.integers(-20, 60),
    "free": st.none() | st.integers(0, 80),
    "spare": st.sets(st.integers(0, 7), max_size=2),
}


@settings(deadline=None, max_examples=300)
@given(**arguments)
def test_a_fitting_room_keeps_the_budget_and_nobody_leaves_who_must_stay(found, size, slack, free, spare):
    budget = budget_of(found, slack)
    room = budget.room_for(size, NOW_S, spare, free)
    by_key = {holding.key: holding for holding in found}
    for victim in room.victims:
        assert not by_key[victim].holders
        assert not by_key[victim].is_pinned
        assert victim not in spare
    for busy in room.busy:
        assert by_key[busy].holders
        assert not by_key[busy].is_pinned
        assert busy not in spare
    assert room.evicted_bytes == sum(by_key[victim].size_bytes for victim in room.victims)
    if room.fits:
        assert (room.missing_bytes, room.busy) == (0, ())
        assert fits_without(found, room.victims, size, slack, free)
        for victim in room.victims:
            budget.remove(victim)
        budget.add("new", size, 1.0, NOW_S)
        assert budget.limit_bytes is None or budget.used_bytes <= budget.limit_bytes


@settings(deadline=None, max_examples=300)
@given(**arguments)
def test_nobody_leaves_without_need(found, size, slack, free, spare):
    room = budget_of(found, slack).room_for(size, NOW_S, spare, free)
    leaving = {*room.victims, *room.busy}
    if leaving:
        assert fits_without(found, leaving, size, slack, free)
    for key in leaving:
        assert not fits_without(found, leaving - {key}, size, slack, free)


@settings(deadline=None, max_examples=300)
@given(**arguments)
def test_what_does_not_fit_says_what_is_missing_and_for_whom_to_wait(found, size, slack, free, spare):
    room = budget_of(found, slack).room_for(size, NOW_S, spare, free)
    idle = {it.key for it in found if not it.holders and not it.is_pinned and it.key not in spare}
    held = {it.key for it in found if it.holders and not it.is_pinned and it.key not in spare}
    assert room.fits == fits_without(found, idle, size, slack, free)
    if not room.fits:
        assert not fits_without(found, idle, size - room.missing_bytes + 1, slack, free)
        assert fits_without(found, idle, size - room.missing_bytes, slack, free)
        assert bool(room.busy) == fits_without(found, idle | held, size, slack, free)


@settings(deadline=None)
@given(order=st.randoms(), **arguments)
def test_the_order_in_which_models_came_does_not_matter(order, found, size, slack, free, spare):
    shuffled = order.sample(found, len(found))
    first, second = (budget_of(one, slack).room_for(size, NOW_S, spare, free) for one in (found, shuffled))
    assert first == second


def loaded(budget: MemoryBudget, key: str, size: int = 10, reload_s: float = 1.0, uses: int = 0) -> None:
    budget.add(key, size, reload_s, 0.0)
    for _ in range(uses):
        budget.touch(key, 0.0)


def test_of_equally_used_models_the_one_that_loads_quickly_leaves():
    budget = MemoryBudget(20)
    loaded(budget, "slow", reload_s=30.0, uses=1)
    loaded(budget, "quick", reload_s=1.0, uses=1)
    assert budget.room_for(10, 0.0) == Room(True, ("quick",), 0, (), 10)


def test_a_use_counts_half_as_much_after_the_half_life():
    budget = MemoryBudget(20)
    loaded(budget, "a", uses=2)
    held = budget.holdings["a"]
    assert held.uses_at(HALF_LIFE_S) == pytest.approx(1.0)
    assert held.likelihood(0.0) > held.likelihood(HALF_LIFE_S) > held.likelihood(10 * HALF_LIFE_S) > 0


def test_a_model_used_often_long_ago_gives_way_to_one_used_just_now():
    budget = MemoryBudget(20)
    loaded(budget, "old", uses=3)
    loaded(budget, "new")
    budget.touch("new", 6 * HALF_LIFE_S)
    assert budget.room_for(10, 6 * HALF_LIFE_S).victims == ("old",)


def test_a_model_for_which_a_request_waits_stays_longest():
    budget = MemoryBudget(20)
    loaded(budget, "wanted")
    loaded(budget, "used", uses=1)
    budget.want("wanted", 1)
    assert budget.room_for(10, 0.0).victims == ("used",)
    budget.want("wanted", 0)
    assert budget.room_for(10, 0.0).victims == ("wanted",)


def test_a_large_model_does_not_go_for_a_small_one_because_its_bytes_are_cheap():
    budget = MemoryBudget(110)
    loaded(budget, "large", size=100, reload_s=20.0, uses=1)
    loaded(budget, "small", size=10, reload_s=4.0, uses=1)
    assert budget.room_for(5, 0.0).victims == ("small",)
    assert budget.room_for(50, 0.0).victims == ("large",)


def test_who_holds_wants_or_pins_a_model_is_known_before_it_comes_and_after_it_went():
    budget = MemoryBudget(20)
    budget.hold("a", 0.0)
    budget.pin("b", True)
    loaded(budget, "a")
    loaded(budget, "b")
    assert not budget.room_for(1, 0.0).fits
    budget.remove("a")
    budget.let_go("a", 1.0)
    loaded(budget, "a")
    assert budget.room_for(1, 1.0).victims == ("a",)
    assert budget.holdings["a"].uses > 0.9


def test_those_to_wait_for_are_named_beside_those_that_would_leave():
    budget = MemoryBudget(30)
    loaded(budget, "idle")
    loaded(budget, "held")
    loaded(budget, "dear", reload_s=9.0)
    for key in ("held", "dear"):
        budget.hold(key, 0.0)
    assert budget.room_for(15, 0.0) == Room(False, ("idle",), 5, ("held",), 10)
    assert budget.room_for(31, 0.0) == Room(False, (), 21, (), 0)


def test_another_size_of_a_model_counts_once():
    budget = MemoryBudget(20)
    loaded(budget, "a", size=10)
    loaded(budget, "a", size=15)
    assert budget.used_bytes == 15
    budget.set_limit(10)
    assert budget.room_for(0, 0.0).victims == ("a",)
    budget.remove("a")
    budget.remove("a")
    assert budget.used_bytes == 0
