"""Which models stay in memory."""

import pytest

from engine.backends.base import LoadOptions
from engine.errors import ModelError, OutOfMemoryError
from engine.memory.residency import Place, Residency
from tests.engine.memory.machine import GB, Machine, info


def test_a_model_is_loaded_once() -> None:
    machine = Machine(8 * GB)
    assert machine.load(info("a")) is machine.load(info("a"))
    assert len(machine.backend.models) == 1


def test_the_least_recently_used_idle_model_makes_room() -> None:
    machine = Machine(2 * GB)
    machine.load(info("a"))
    machine.load(info("b"))
    with machine.residency.lease() as lease:
        lease.hold(Place(info("a").path))
    machine.load(info("c"))
    assert machine.names == {"a", "c"}


def test_a_leased_model_is_never_evicted() -> None:
    machine = Machine(GB)
    machine.load(info("a"))
    with machine.residency.lease() as lease:
        lease.hold(Place(info("a").path))
        with pytest.raises(OutOfMemoryError, match=r"b needs about 1\.0 GB of memory, but 0 MB is free"):
            machine.load(info("b"))
        assert machine.names == {"a"}
    machine.load(info("b"))
    assert machine.names == {"b"}


def test_a_model_larger_than_everything_is_refused_with_the_numbers() -> None:
    machine = Machine(4 * GB)
    with pytest.raises(OutOfMemoryError, match=r"needs about 7\.2 GB of memory, but 4\.0 GB is free"):
        machine.load(info("big", 7_200_000_000))


def test_a_model_in_use_cannot_be_unloaded() -> None:
    machine = Machine(GB)
    machine.load(info("a"))
    with machine.residency.lease() as one, machine.residency.lease() as two:
        one.hold(Place(info("a").path))
        two.hold(Place(info("a").path))
        with pytest.raises(ModelError, match="2 requests are using it"):
            machine.residency.unload(info("a"))
    assert machine.residency.unload(info("a")) is True
    assert machine.residency.unload(info("a")) is False


def test_a_hold_after_the_end_of_its_lease_holds_nothing() -> None:
    machine = Machine(GB)
    machine.load(info("a"))
    lease = machine.residency.lease()
    with lease:
        pass
    lease.hold(Place(info("a").path))
    assert machine.residency.unload(info("a")) is True


def test_a_broken_model_is_forgotten_and_loaded_anew() -> None:
    machine = Machine(GB)
    broken = machine.load(info("a"))
    machine.residency.discard(broken)
    assert machine.load(info("a")) is not broken


def test_a_format_nobody_can_run_is_refused() -> None:
    residency = Residency({}, LoadOptions(), lambda _model, done: done(), lambda: GB)
    with pytest.raises(ModelError, match="gguf"):
        residency.load(info("a"), lambda _fraction: True)


def test_closing_closes_every_model() -> None:
    machine = Machine(4 * GB)
    models = [machine.load(info(name)) for name in "abc"]
    machine.residency.close()
    assert all(model.is_closed for model in models)
    assert machine.names == set()


def test_a_suspended_request_lets_others_have_the_memory() -> None:
    machine = Machine(GB)
    machine.load(info("a"))
    with machine.residency.lease() as lease:
        lease.hold(Place(info("a").path))
        assert not machine.residency.evict(Place(info("a").path))
        lease.let_go(Place(info("a").path))
        lease.let_go(Place(info("a").path))
        machine.load(info("b"))
        lease.hold(Place(info("a").path))
    with machine.residency.lease():
        machine.load(info("a"))
    assert machine.names == {"a"}


def test_a_waiting_request_keeps_a_person_from_unloading_but_not_others_from_evicting() -> None:
    machine = Machine(GB)
    machine.load(info("a"))
    lease = machine.residency.lease()
    with lease:
        lease.want(Place(info("a").path))
        lease.want(Place(info("a").path))
        with pytest.raises(ModelError, match="a request is using it"):
            machine.residency.unload(info("a"))
        assert machine.residency.residents()[0].waiting == 1
        lease.hold(Place(info("a").path))
        assert (machine.residency.residents()[0].waiting, machine.residency.residents()[0].holders) == (0, 1)
        lease.let_go(Place(info("a").path))
        lease.want(Place(info("a").path))
        assert machine.residency.evict(Place(info("a").path))
    lease.want(Place(info("a").path))
    machine.load(info("a"))
    assert machine.residency.unload(info("a"))


def test_a_pinned_model_stays_until_a_person_unloads_it() -> None:
    machine = Machine(GB)
    machine.residency.pin(info("a"))
    machine.load(info("a"))
    place = Place(info("a").path)
    assert machine.residency.residents()[0].is_pinned
    assert info("a").path in machine.residency.pinned
    assert not machine.residency.evict(place)
    room = machine.residency.room_for(info("b"))
    assert (room.fits, room.busy) == (False, ())
    with pytest.raises(OutOfMemoryError):
        machine.load(info("b"))
    assert machine.residency.unload(info("a"))
    assert machine.residency.pinned == frozenset()
    machine.load(info("a"))
    assert machine.residency.evict(place)


def test_a_pin_can_be_taken_back() -> None:
    machine = Machine(GB)
    machine.load(info("a"))
    machine.residency.pin(info("a"))
    machine.residency.pin(info("a"), False)
    machine.load(info("b"))
    assert machine.names == {"b"}
