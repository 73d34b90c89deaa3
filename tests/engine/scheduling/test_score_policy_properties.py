"""What holds for the order by score whatever is asked."""

import random
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.bench.random_traces import MACHINE, random_trace
from engine.bench.replays import overtaken_s
from engine.bench.simulator import Simulator
from engine.config import DEFAULT_WEIGHTS, ORDERS
from engine.requests import Urgency
from engine.scheduling.policies import overtaken_at_most_s, policy_of
from engine.scheduling.priority import HORIZON_S, weights_of
from engine.scheduling.score_policy import ScorePolicy
from tests.engine.scheduling.rosters import LANE, World

MODELS = 4
LIMIT_BYTES = 5
quickly = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Asked:
    """A request: when, of which model, and what it needs."""

    at_s: float
    model: int
    urgency: Urgency
    steps: int
    client: str
    level: int


asked = st.builds(
    Asked,
    at_s=st.floats(0, 900),
    model=st.integers(0, MODELS - 1),
    urgency=st.sampled_from(Urgency),
    steps=st.integers(1, 20),
    client=st.sampled_from(["x", "y", "z"]),
    level=st.integers(0, 4),
)
crowds = st.lists(asked, min_size=1, max_size=40)


def world_of(crowd: list[Asked], *, resident: bool = True) -> tuple[World, list]:
    world = World()
    needs = [world.need(f"m{number}", resident=resident, slots=1 + number) for number in range(MODELS)]
    entries = [
        world.ask(
            needs[one.model],
            arrived_s=one.at_s,
            urgency=one.urgency,
            output_tokens=one.steps,
            client=one.client,
            level=one.level,
            id=number,
        )
        for number, one in enumerate(crowd)
    ]
    world.now_s = 1000.0
    return world, entries


@quickly
@given(crowds, st.integers(0, 3))
def test_nobody_is_admitted_beyond_the_slots_and_no_work_is_left_lying(crowd, running):
    world, entries = world_of(crowd)
    for entry in entries[:running]:
        if entry.need.free_slots:
            world.run(entry)
    oldest_s = min((entry.arrived_s for entry in entries if not entry.is_running), default=0.0)
    turn = ScorePolicy().turn(world.roster, LANE, world.now_s)
    if turn is None:
        assert not any(
            entry.is_running or (entry.need.free_slots and entry.arrived_s <= oldest_s + HORIZON_S) for entry in entries
        )
        return
    assert len(turn.need.running) - len(turn.suspend) + len(turn.admit) <= turn.need.slots
    assert len({entry.id for entry in turn.admit}) == len(turn.admit)
    assert all(entry.need is turn.need and not entry.is_running for entry in turn.admit)
    resting = {entry.id for entry in turn.rest}
    going = [entry for entry in (*turn.need.running.values(), *turn.admit) if entry not in turn.suspend]
    assert any(entry.id not in resting for entry in going)


@quickly
@given(crowds)
def test_the_order_is_total_and_says_the_same_as_the_scores(crowd):
    world, entries = world_of(crowd)
    order = ScorePolicy().order(world.roster, world.now_s)
    assert sorted(entry.id for entry in order) == [entry.id for entry in entries]
    assert order == ScorePolicy().order(world.roster, world.now_s)


@quickly
@given(crowds, st.integers())
def test_what_is_decided_does_not_depend_on_the_order_in_which_requests_were_noted(crowd, seed):
    world, _ = world_of(crowd)
    other = World()
    needs = [other.need(f"m{number}", slots=1 + number) for number in range(MODELS)]
    mixed = list(enumerate(crowd))
    random.Random(seed).shuffle(mixed)
    for number, one in mixed:
        other.ask(
            needs[one.model],
            arrived_s=one.at_s,
            urgency=one.urgency,
            output_tokens=one.steps,
            client=one.client,
            level=one.level,
            id=number,
        )
    first, second = (
        ScorePolicy().turn(world.roster, LANE, 1000.0),
        ScorePolicy().turn(other.roster, LANE, 1000.0),
    )
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert first.need.name == second.need.name
        assert [entry.id for entry in first.admit] == [entry.id for entry in second.admit]


@quickly
@given(crowds, st.integers(0, 39), st.floats(1, 500))
def test_who_waits_longer_stands_no_further_back(crowd, number, earlier_s):
    world, entries = world_of(crowd)
    entry = entries[number % len(entries)]
    # Without the one factor that knows when it is due: that moves with the arrival as well.
    policy = ScorePolicy(weights_of({**DEFAULT_WEIGHTS, "deadline": 0.0}))
    place = policy.order(world.roster, world.now_s).index(entry)
    entry.arrived_s -= earlier_s
    world.roster.changed(entry)
    assert policy.order(world.roster, world.now_s).index(entry) <= place


@quickly
@given(crowds, st.floats(5, 60))
def test_nothing_begins_before_a_request_that_is_older_by_the_horizon(crowd, step_s):
    """Replays the crowd on one lane with room for some of the models, in steps of many seconds."""
    world = World(limit_bytes=LIMIT_BYTES)
    needs = [world.need(f"m{number}", resident=False, size=1 + number, slots=2) for number in range(MODELS)]
    coming = sorted(crowd, key=lambda one: one.at_s, reverse=True)
    policy = ScorePolicy()
    world.now_s = 0.0
    for _ in range(4000):
        while coming and coming[-1].at_s <= world.now_s:
            one = coming.pop()
            world.ask(needs[one.model], arrived_s=one.at_s, urgency=one.urgency, output_tokens=one.steps, client="c")
        waiting = [entry for need in needs for entry in need.waiting.values()]
        if not coming and not waiting and not any(need.running for need in needs):
            return
        load(world, policy)
        turn = policy.turn(world.roster, LANE, world.now_s)
        if turn is not None:
            for entry in turn.admit:
                assert entry.arrived_s <= min(other.arrived_s for other in waiting) + HORIZON_S
            world.carry_out(turn)
            resting = {entry.id for entry in turn.rest}
            for entry in list(turn.need.running.values()):
                if entry.id not in resting:
                    world.roster.stepped(entry, world.now_s, step_s, read=1, written=1)
                    if entry.written_tokens >= entry.output_tokens:
                        world.end(entry)
        world.now_s += step_s
    pytest.fail("not everything has ended")


def load(world: World, policy: ScorePolicy) -> None:
    """What a loader does, in no time."""
    want = policy.want(world.roster, "cpu", world.now_s)
    for need in world.roster.needs_on("cpu"):
        need.is_frozen = want is not None and need in want.freeze
    if want is None:
        return
    if want.can_load:
        room = world.roster.room_for(want.need, want.spare)
        for key in room.victims:
            victim = world.roster.needs[key]
            assert not victim.running
            world.budget.remove(key)
            world.roster.set_resident(victim, world.now_s, is_resident=False)
        world.load(want.need)
        assert world.budget.used_bytes <= LIMIT_BYTES
    elif want.suspend:
        for need in want.freeze:
            for entry in list(need.running.values()):
                world.suspend(entry)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("seed", range(4))
def test_replays_end_within_the_budget_and_no_model_at_work_is_evicted(order, seed):
    trace = random_trace(seed, load=1.5, duration_s=60.0, flood=0.3 * (seed % 2))
    own = order == "free_for_all"
    seen: list[int] = []

    def watch(simulator: Simulator) -> None:
        seen.append(simulator.budget.used_bytes)
        for need in simulator.roster.needs.values():
            assert len(need.running) <= need.slots
            assert need.is_resident or not need.running
            assert not (need.is_resident or need.is_loading) or need.key in simulator.budget.holdings

    simulator = Simulator(trace, MACHINE, policy_of(order), order=order, has_own_lanes=own, watch=watch)
    replay = simulator.run()
    assert len(replay.served) == len(trace.requests)
    assert own or max(seen) <= trace.memory_budget_bytes
    for one in replay.served:
        assert one.arrived_s <= one.began_s <= one.first_s <= one.ended_s
    bound = overtaken_at_most_s(order)
    if bound is not None:
        assert overtaken_s(replay.served) <= bound
