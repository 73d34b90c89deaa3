"""The simpler orders, each by what it stands for."""

import pytest

from engine.config import ORDERS
from engine.errors import InvalidRequestError
from engine.scheduling.baselines import Collate, Fifo, FifoBatched, FreeForAll, RoundRobin
from engine.scheduling.policies import overtaken_at_most_s, policy_of
from engine.scheduling.score_policy import ScorePolicy
from tests.engine.scheduling.rosters import LANE, World

BASELINES = (Fifo, FifoBatched, RoundRobin, Collate, FreeForAll)


@pytest.fixture
def world() -> World:
    return World()


def turn(policy, world: World, lane: str = LANE):
    return policy.turn(world.roster, lane, world.now_s)


def test_every_order_has_a_policy_of_its_own():
    kinds = [type(policy_of(order)) for order in ORDERS]
    assert kinds[0] is ScorePolicy
    assert len(set(kinds)) == len(ORDERS)


def test_an_unknown_order_is_refused():
    with pytest.raises(InvalidRequestError, match="no order 'lifo'"):
        policy_of("lifo")


def test_only_orders_that_keep_it_promise_a_bound():
    bounds = {order: overtaken_at_most_s(order) for order in ORDERS}
    assert bounds["fifo"] == bounds["fifo_batched"] == 0
    assert bounds["hearth"] == 240
    assert bounds["collate"] is bounds["round_robin"] is bounds["free_for_all"] is None


@pytest.mark.parametrize("make", BASELINES)
def test_nothing_begins_while_the_queue_is_paused_but_what_runs_goes_on(make, world):
    need = world.need("a")
    entry = world.ask(need)
    world.roster.is_paused = True
    assert turn(make(), world) is None
    world.run(entry)
    world.ask(need)
    going = turn(make(), world)
    assert going.need is need
    assert not going.admit


@pytest.mark.parametrize("make", BASELINES)
def test_a_request_that_is_not_ready_does_not_begin(make, world):
    entry = world.ask(world.need("a"), is_ready=False)
    policy = make()
    assert turn(policy, world) is None
    entry.is_ready = True
    assert turn(policy, world).admit[0] is entry


@pytest.mark.parametrize("make", BASELINES)
def test_a_request_that_was_moved_up_is_first(make, world):
    need = world.need("a")
    first, second = world.ask(need), world.ask(need)
    second.raised = 1.0
    assert turn(make(), world).admit[0] is second
    assert make().order(world.roster, world.now_s) == [second, first]


@pytest.mark.parametrize("make", BASELINES)
def test_what_is_absent_is_loaded_once_there_is_room(make):
    world = World(limit_bytes=2)
    here, absent = world.need("here", size=2), world.need("absent", size=2, resident=False)
    policy = make()
    running = world.ask(here)
    world.run(running)
    world.ask(absent)
    blocked = policy.want(world.roster, "cpu", world.now_s)
    assert blocked.need is absent
    assert not blocked.can_load
    world.end(running)
    assert policy.want(world.roster, "cpu", world.now_s).can_load


@pytest.mark.parametrize("make", BASELINES)
def test_nothing_is_wanted_where_all_is_loaded_or_loading(make, world):
    world.ask(world.need("here"))
    coming = world.need("coming", resident=False)
    world.ask(coming)
    coming.is_loading = True
    assert make().want(world.roster, "cpu", world.now_s) is None


def test_fifo_runs_one_at_a_time_in_the_order_of_arrival(world):
    policy, one, other = Fifo(), world.need("one"), world.need("other")
    entries = [world.ask(one), world.ask(other), world.ask(one)]
    for entry in entries:
        begun = turn(policy, world)
        assert list(begun.admit) == [entry]
        world.carry_out(begun)
        assert not turn(policy, world).admit
        world.end(entry)
    assert turn(policy, world) is None


def test_fifo_runs_one_at_a_time_over_all_lanes_of_a_device(world):
    policy = Fifo()
    text, picture = world.need("text"), world.need("picture", lane="cpu-graphs")
    first, second = world.ask(text), world.ask(picture)
    assert turn(policy, world, "cpu-graphs") is None
    world.carry_out(turn(policy, world))
    assert turn(policy, world, "cpu-graphs") is None
    world.end(first)
    assert list(turn(policy, world, "cpu-graphs").admit) == [second]


def test_fifo_loads_the_next_model_while_one_works(world):
    here, absent = world.need("here"), world.need("absent", resident=False)
    world.run(world.ask(here))
    world.ask(absent)
    want = Fifo().want(world.roster, "cpu", world.now_s)
    assert want.need is absent
    assert want.can_load
    assert list(want.spare) == ["here"]


def test_fifo_batched_begins_the_first_ones_of_a_model_together(world):
    policy, one, other = FifoBatched(), world.need("one", slots=2), world.need("other")
    entries = [world.ask(one), world.ask(one), world.ask(one), world.ask(other)]
    first = turn(policy, world)
    assert list(first.admit) == entries[:2]
    world.carry_out(first)
    assert not turn(policy, world).admit  # the third has no place, and holds up the fourth
    world.end(entries[0])
    world.carry_out(turn(policy, world))
    assert entries[2].is_running
    begun = turn(policy, world)
    assert begun.need is other
    assert list(begun.admit) == entries[3:]


def test_fifo_batched_lets_models_take_turns_by_step(world):
    policy, one, other = FifoBatched(), world.need("one"), world.need("other")
    running = [world.ask(one), world.ask(other)]
    world.run(*running)
    seen = []
    for _ in range(4):
        need = turn(policy, world).need
        world.now_s += 1
        for entry in need.running.values():
            world.roster.stepped(entry, world.now_s, 1.0, written=1)
        seen.append(need.name)
    assert seen in (["one", "other"] * 2, ["other", "one"] * 2)


def test_fifo_batched_is_held_up_by_an_absent_model(world):
    absent, here = world.need("absent", resident=False), world.need("here")
    first, second = world.ask(absent), world.ask(here)
    assert turn(FifoBatched(), world) is None
    world.load(absent)
    policy = FifoBatched()
    world.carry_out(turn(policy, world))
    assert first.is_running
    assert list(turn(policy, world).admit) == [second]


def test_round_robin_gives_each_model_a_batch(world):
    policy = RoundRobin()
    one, other = world.need("one", slots=2), world.need("other", slots=2)
    ones, others = [world.ask(one) for _ in range(3)], [world.ask(other) for _ in range(2)]
    order = []
    for _ in range(3):
        begun = turn(policy, world)
        order.append(list(begun.admit))
        world.carry_out(begun)
        world.ask(one)  # more of the same does not prolong the turn
        world.end(begun.admit[0])
        assert not turn(policy, world).admit
        world.end(*begun.admit)
    assert order[:2] == [ones[:2], others]
    assert order[2][0] is ones[2]


def test_round_robin_tells_the_order_of_batches(world):
    one, other = world.need("one", slots=1), world.need("other", slots=2)
    ones, others = [world.ask(one) for _ in range(2)], [world.ask(other) for _ in range(3)]
    assert RoundRobin().order(world.roster, world.now_s) == [ones[0], *others[:2], ones[1], others[2]]


def test_collate_stays_with_a_model_while_it_has_requests(world):
    policy, one, other, third = Collate(), world.need("one", slots=1), world.need("other"), world.need("third")
    entries = [world.ask(one), world.ask(third), world.ask(other), world.ask(one)]
    seen = []
    for _ in entries:
        begun = turn(policy, world)
        world.carry_out(begun)
        seen.append(begun.need.name)
        world.end(*begun.admit)
    assert seen == ["one", "one", "third", "other"]


def test_collate_loads_the_next_model_without_taking_the_one_at_work():
    world = World(limit_bytes=2)
    here, idle = world.need("here", size=1), world.need("idle", size=1)
    absent = world.need("absent", size=1, resident=False)
    policy = Collate()
    world.ask(here)
    assert turn(policy, world).need is here
    world.ask(absent)
    world.ask(idle)
    want = policy.want(world.roster, "cpu", world.now_s)
    assert (want.need, want.can_load, list(want.spare)) == (absent, True, ["here"])


def test_free_for_all_begins_what_has_a_place_whoever_came_first(world):
    policy = FreeForAll()
    absent, here = world.need("absent", lane="absent", resident=False), world.need("here", lane="here", slots=2)
    world.ask(absent)
    entries = [world.ask(here) for _ in range(3)]
    assert list(turn(policy, world, "here").admit) == entries[:2]
    assert turn(policy, world, "absent") is None
    assert policy.want(world.roster, "cpu", world.now_s).need is absent
