"""The order by score: what steps, what begins, what is loaded."""

import pytest

from engine.requests import Urgency
from engine.scheduling.score_policy import (
    PREEMPT_STEPS,
    REVIEW_S,
    STAY_LOADS,
    ScorePolicy,
)
from engine.scheduling.scoring import READ_S
from tests.engine.scheduling.rosters import LANE, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def policy() -> ScorePolicy:
    return ScorePolicy()


def turn(policy: ScorePolicy, world: World):
    return policy.turn(world.roster, LANE, world.now_s)


def want(policy: ScorePolicy, world: World):
    return policy.want(world.roster, "cpu", world.now_s)


def step(world: World, need, seconds: float = 0.05) -> None:
    world.now_s += seconds
    for entry in need.running.values():
        world.roster.stepped(entry, world.now_s, seconds, read=entry.unread_tokens, written=1)


def test_there_is_nothing_to_do_without_requests(policy, world):
    assert turn(policy, world) is None
    world.need("a")
    assert turn(policy, world) is None
    assert want(policy, world) is None
    assert policy.order(world.roster, world.now_s) == []


def test_the_more_urgent_request_begins_first_and_others_of_its_model_come_along(policy, world):
    need = world.need("a", slots=2)
    batch = [world.ask(need, urgency=Urgency.BATCH) for _ in range(2)]
    between = world.ask(need, urgency=Urgency.NORMAL)
    urgent = world.ask(need)
    first = turn(policy, world)
    assert (first.need, list(first.admit)) == (need, [urgent, between])
    assert policy.order(world.roster, world.now_s) == [urgent, between, *batch]


def test_of_equals_the_one_that_came_first_is_first(policy, world):
    need = world.need("a", slots=3)
    entries = [world.ask(need) for _ in range(5)]
    assert list(turn(policy, world).admit) == entries[:3]


def test_an_old_request_is_before_a_more_urgent_one(policy, world):
    need = world.need("a", slots=1)
    old = world.ask(need, urgency=Urgency.BATCH, arrived_s=world.now_s - 300)
    world.ask(need)
    assert list(turn(policy, world).admit) == [old]


def test_nothing_begins_that_arrived_too_long_after_one_that_still_waits(policy, world):
    need, absent = world.need("a"), world.need("absent", resident=False)
    world.ask(absent, arrived_s=world.now_s - 300)
    late = world.ask(need)
    assert turn(policy, world) is None
    late.raised = 1.0
    world.roster.changed(late)
    assert list(turn(policy, world).admit) == [late]


def test_a_decision_holds_for_a_moment_and_until_something_comes(policy, world):
    one, other = world.need("one"), world.need("other")
    world.carry_out(turn_with(policy, world, one))
    world.run(world.ask(other))
    chosen = turn(policy, world).need
    world.now_s += REVIEW_S / 2
    assert turn(policy, world).need is chosen
    newcomer = world.ask(chosen)
    assert newcomer in turn(policy, world).admit


def turn_with(policy: ScorePolicy, world: World, need):
    world.ask(need)
    return turn(policy, world)


def test_answers_of_several_models_flow_side_by_side(policy, world):
    needs = [world.need(name) for name in "ab"]
    world.run(*(world.ask(need, output_tokens=100) for need in needs))
    seen = []
    for _ in range(40):
        seen.append(turn(policy, world).need.name)
        step(world, world.roster.needs[seen[-1]], 0.1)
    assert 15 <= seen.count("a") <= 25


def test_work_that_nobody_waits_for_stands_back_for_an_answer_that_is_slower_than_its_reader(policy, world):
    one, other = world.need("one"), world.need("other")
    batch, answer = world.ask(one, urgency=Urgency.BATCH, output_tokens=50), world.ask(other, output_tokens=50)
    world.run(batch, answer)
    seen = []
    for _ in range(20):
        seen.append(turn(policy, world).need.name)
        step(world, world.roster.needs[seen[-1]], 0.2)
    assert seen.count("other") >= 18


def test_a_running_request_leaves_its_place_only_to_a_much_better_one_and_not_at_once(policy, world):
    need = world.need("a", slots=1)
    batch = world.ask(need, urgency=Urgency.BATCH, output_tokens=500)
    world.carry_out(turn(policy, world))
    urgent = world.ask(need)
    assert not turn(policy, world).suspend
    for _ in range(PREEMPT_STEPS):
        step(world, need)
    exchange = turn(policy, world)
    assert (list(exchange.suspend), list(exchange.admit)) == ([batch], [urgent])
    world.carry_out(exchange)
    world.ask(need, urgency=Urgency.NORMAL)
    for _ in range(PREEMPT_STEPS):
        step(world, need)
    assert not turn(policy, world).suspend


def test_batch_work_rests_where_a_reader_would_wait_too_long(policy, world):
    need = world.need("a", slots=8)
    need.step_s, need.row_s = 0.11, 0.04
    reader = world.ask(need, output_tokens=50)
    batch = [world.ask(need, urgency=Urgency.BATCH, output_tokens=50) for _ in range(4)]
    world.carry_out(turn(policy, world))
    rested: list[int] = []
    for _ in range(16):
        now = turn(policy, world)
        assert reader not in now.rest
        assert len(now.rest) == 3  # one of them fits beside the reader
        rested += [entry.id for entry in now.rest]
        world.now_s += 0.1
        for entry in need.running.values():
            if entry not in now.rest:
                world.roster.stepped(entry, world.now_s, 0.1, written=1)
    assert {rested.count(entry.id) for entry in batch} == {12}  # each in its turn


def test_a_model_that_fits_is_loaded_for_the_best_request(policy, world):
    small, large = world.need("small", resident=False), world.need("large", resident=False)
    world.ask(small, urgency=Urgency.BATCH)
    world.ask(large)
    wanted = want(policy, world)
    assert (wanted.need, wanted.can_load) == (large, True)
    large.is_loading = True
    assert want(policy, world).need is small
    assert list(wanted.freeze) == []


def test_an_idle_model_goes_for_one_that_is_needed(policy):
    world = World(limit_bytes=2)
    world.need("idle", size=2)
    needed = world.need("needed", size=1, resident=False)
    world.ask(needed)
    wanted = want(policy, world)
    assert (wanted.need, wanted.can_load, list(wanted.spare)) == (needed, True, [])
    assert needed.evicted == 2.0


def test_a_model_stays_while_a_better_request_needs_it(policy):
    world = World(limit_bytes=1)
    here, absent = world.need("here"), world.need("absent", resident=False)
    world.now_s += 60
    world.ask(absent, urgency=Urgency.BATCH)
    world.ask(here)
    wanted = want(policy, world)
    assert (wanted.need, wanted.can_load, list(wanted.freeze)) == (absent, False, [])


def test_a_model_that_has_only_just_come_stays_for_a_while(policy):
    world = World(limit_bytes=1)
    here, absent = world.need("here"), world.need("absent", resident=False)
    world.ask(here, urgency=Urgency.BATCH)
    world.ask(absent)
    assert not want(policy, world).can_load
    world.now_s += STAY_LOADS * here.load_s + 0.1
    assert want(policy, world).can_load


def test_models_at_work_admit_nothing_new_while_the_best_request_waits_for_their_memory(policy):
    world = World(limit_bytes=1)
    here, absent = world.need("here", slots=2), world.need("absent", resident=False)
    world.now_s += 60
    running = world.ask(here, output_tokens=100)
    world.run(running)
    world.ask(here, urgency=Urgency.BATCH)
    world.ask(absent)
    wanted = want(policy, world)
    assert not wanted.can_load
    assert list(wanted.freeze) == [here]
    here.is_frozen = True
    now = turn(policy, world)
    assert (now.need, list(now.admit)) == (here, [])
    world.end(running)
    assert want(policy, world).can_load


def test_room_that_is_being_made_is_not_given_to_a_smaller_model(policy):
    world = World(limit_bytes=4)
    busy = world.need("busy", size=2)
    world.run(world.ask(busy, urgency=Urgency.NORMAL))
    large, small = world.need("large", resident=False, size=3), world.need("small", resident=False, size=1)
    world.ask(large)
    world.ask(small, urgency=Urgency.BATCH)
    world.now_s += 10  # the one that runs has been there for long
    want = policy.want(world.roster, "cpu", world.now_s)
    assert (want.need, want.can_load, want.freeze) == (large, False, [busy])


def test_work_that_nobody_waits_for_leaves_at_once_for_a_much_better_request(policy):
    world = World(limit_bytes=1)
    here, absent = world.need("here"), world.need("absent", resident=False)
    world.now_s += 60
    batch = world.ask(here, urgency=Urgency.BATCH, output_tokens=500)
    world.run(batch)
    world.ask(absent)
    assert want(policy, world).suspend
    world.end(batch)
    world.run(world.ask(here, output_tokens=500))
    assert not want(policy, world).suspend


def test_a_paused_queue_begins_nothing(policy, world):
    need = world.need("a")
    world.run(world.ask(need))
    world.ask(need)
    world.roster.is_paused = True
    assert list(turn(policy, world).admit) == []


def test_an_answer_that_is_ahead_of_its_reader_lets_others_step_until_the_reader_has_caught_up(policy, world):
    one, other = world.need("one"), world.need("other")
    answer, batch = world.ask(one, output_tokens=500), world.ask(other, urgency=Urgency.BATCH, output_tokens=500)
    world.run(answer, batch)
    for _ in range(200):
        step(world, turn(policy, world).need, 0.02)
    read = (world.now_s - answer.first_s) / READ_S
    assert answer.written_tokens >= read  # never behind
    assert answer.written_tokens < 100
    assert batch.written_tokens > 100


def test_an_answer_that_is_ahead_of_its_reader_keeps_its_place_and_its_memory(policy):
    world = World(limit_bytes=1)
    here, absent = world.need("here", slots=1), world.need("absent", resident=False)
    world.now_s += 60
    answer = world.ask(here, output_tokens=500)
    world.run(answer)
    for _ in range(PREEMPT_STEPS + 1):
        step(world, here, 0.01)
    rival = world.ask(here, output_tokens=500)
    assert not turn(policy, world).suspend
    world.end(rival)
    world.ask(absent, output_tokens=500)
    assert not want(policy, world).suspend
