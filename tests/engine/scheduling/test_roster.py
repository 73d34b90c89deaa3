"""What is known of requests and models, and that it stays together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.requests import Urgency
from engine.scheduling.entries import Entry
from tests.engine.scheduling.rosters import LANE, World


@pytest.fixture
def world() -> World:
    return World()


def test_a_request_waits_runs_is_suspended_and_goes(world):
    need = world.need("a", slots=2)
    entry = world.ask(need)
    assert (need.has_work, need.free_slots, list(need.waiting.values())) == (True, 2, [entry])
    world.roster.begin(entry, 101.0)
    assert (need.free_slots, entry.is_running, entry.began_s) == (1, True, 101.0)
    world.roster.suspend(entry)
    assert (need.free_slots, entry.is_running, list(need.waiting.values())) == (2, False, [entry])
    world.roster.begin(entry, 105.0)
    assert entry.began_s == 101.0  # when it first began
    world.roster.remove(entry)
    world.roster.remove(entry)  # twice does no harm
    assert not need.has_work
    assert list(world.roster.entries()) == []


def test_ids_count_arrivals_unless_the_owner_counts(world):
    need = world.need("a")
    assert [world.ask(need).id, world.ask(need).id, world.ask(need, id=77).id] == [0, 1, 77]


def test_steps_are_counted_and_paid_for_by_the_client(world):
    need = world.need("a")
    entry = world.ask(need, client="c", prompt_tokens=10, output_tokens=5)
    world.run(entry)
    world.roster.stepped(entry, 101.0, 0.5, read=6)
    world.roster.stepped(entry, 102.0, 0.25, read=4, written=1)
    assert (entry.unread_tokens, entry.unwritten_tokens, entry.steps, entry.stepped_s) == (0, 4, 2, 102.0)
    assert world.roster.service.had_s(["c", "nobody"]) == [0.75, 0.0]


def test_a_client_that_comes_back_has_no_claim_on_the_time_it_was_away(world):
    need = world.need("a")
    busy = world.ask(need, client="busy")
    world.run(busy)
    world.roster.stepped(busy, 101.0, 30.0, written=1)
    world.ask(need, client="new")
    assert world.roster.service.had_s(["new"]) == [30.0]


def test_a_client_among_idle_ones_keeps_what_it_had(world):
    need = world.need("a")
    entry = world.ask(need, client="c")
    world.run(entry)
    world.roster.stepped(entry, 101.0, 30.0, written=1)
    world.end(entry)
    world.ask(need, client="c")
    assert world.roster.service.had_s(["c"]) == [30.0]


def test_how_late_a_model_is_fades(world):
    need = world.need("a")
    for _ in range(3):
        world.roster.first_token(world.ask(need, arrived_s=100.0, due_s=2.0), 104.0)
    assert need.lateness == pytest.approx(2.0)
    world.roster.first_token(world.ask(need, arrived_s=100.0, due_s=2.0), 100.0)
    assert need.lateness == pytest.approx(1.6)


def test_requests_of_a_model_that_leaves_wait_again(world):
    need = world.need("a")
    entry = world.ask(need)
    world.run(entry)
    world.roster.set_resident(need, 103.0, is_resident=False)
    assert (entry.is_running, need.is_resident, list(need.waiting.values())) == (False, False, [entry])
    world.roster.set_resident(need, 104.0, is_resident=True)
    assert need.resident_s == 104.0


def test_a_model_is_known_by_its_key(world):
    assert world.need("a") is world.need("a")
    assert world.roster.needs_on("cpu") == [world.roster.needs["a"]]
    assert world.roster.needs_on("gpu:0") == []


def test_what_can_change_a_decision_changes_the_version(world):
    need = world.need("a")
    seen = [world.roster.version]

    def changed() -> bool:
        seen.append(world.roster.version)
        return seen[-1] != seen[-2]

    entry = world.ask(need)
    assert changed()
    world.run(entry)
    assert changed()
    world.roster.stepped(entry, 101.0, 0.1, written=1)
    assert not changed()  # the rule would be pointless if steps counted
    world.roster.suspend(entry)
    assert changed()
    entry.urgency = Urgency.BATCH
    world.roster.changed(entry)
    assert changed()
    world.roster.remove(entry)
    assert changed()


def facts(entry: Entry) -> list[float]:
    return [entry.arrived_s, entry.unread_tokens, entry.unwritten_tokens, entry.is_running, entry.id, entry.need.index]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["add", "begin", "suspend", "step", "remove"]), st.integers(0, 99))))
def test_the_table_always_says_what_the_requests_say(moves):
    world = World()
    needs = [world.need(name, slots=99) for name in "ab"]
    entries: list[Entry] = []
    for move, number in moves:
        entry = entries[number % len(entries)] if entries else None
        if move == "add":
            entries.append(world.ask(needs[number % 2], prompt_tokens=number, arrived_s=float(number)))
        elif entry is not None and move == "begin" and not entry.is_running:
            world.roster.begin(entry, 1.0)
        elif entry is not None and move == "suspend":
            world.roster.suspend(entry)
        elif entry is not None and move == "step":
            world.roster.stepped(entry, 2.0, 0.1, read=1, written=1)
        elif entry is not None and move == "remove":
            world.roster.remove(entry)
            entries.remove(entry)
    table = world.roster.tables[LANE]
    assert len(table) == len(entries)
    names = ("arrived_s", "unread", "unwritten", "is_running", "id", "need")
    for entry in entries:
        assert table.entries[entry.row] is entry
        np.testing.assert_array_equal([table.column(name)[entry.row] for name in names], facts(entry))
