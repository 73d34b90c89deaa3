"""Models leave when nobody uses them, and when others need the memory."""

import threading
import time

import pytest

from engine.hardware import HardwareEvent, HardwareEventKind
from engine.memory.residency import Place
from engine.memory.yielding import Keeper, Sensors
from tests.engine.memory.machine import GB, Machine, info


class World:
    """A machine, a clock and other programs."""

    def __init__(self, idle_unload_s: float = 900) -> None:
        self.machine = Machine(100 * GB)
        self.passed_s = 0.0
        self.others_bytes = 0
        self.on_battery = False
        self.events: list[HardwareEvent] = []
        sensors = Sensors(
            now_s=lambda: time.monotonic() + self.passed_s,
            free_bytes=lambda: self.machine.available() - self.others_bytes,
            total_bytes=lambda: 100 * GB,
            on_battery=lambda: self.on_battery,
        )
        self.keeper = Keeper(self.machine.residency, idle_unload_s, self.events.append, sensors)

    def load(self, *names: str, size_bytes: int = GB) -> None:
        for name in names:
            self.machine.load(info(name, size_bytes))


def test_a_model_that_nobody_uses_leaves_after_a_while() -> None:
    world = World()
    world.load("a")
    world.passed_s = 899
    assert world.keeper.look() == 0
    world.passed_s = 900
    assert world.keeper.look() == 1
    assert world.machine.names == set()
    (event,) = world.events
    assert (event.kind, event.title) == (HardwareEventKind.UNLOADED, "a let go")
    assert event.detail == "Nobody has used it for 15 min."


def test_on_battery_it_leaves_sooner() -> None:
    world = World()
    world.load("a")
    world.passed_s = 119
    world.on_battery = True
    assert world.keeper.look() == 0
    world.passed_s = 121
    assert world.keeper.look() == 1
    assert world.events[0].detail == "Nobody has used it for 2 min and the machine runs on battery."


@pytest.mark.parametrize("is_mobile", [True, False])
def test_never_means_never(is_mobile: bool) -> None:
    world = World(idle_unload_s=0)
    world.load("a")
    world.on_battery = is_mobile
    world.passed_s = 1e6
    assert world.keeper.look() == 0


def test_models_in_use_wanted_or_pinned_stay() -> None:
    world = World()
    world.load("held", "wanted", "pinned")
    world.machine.residency.pin(info("pinned"))
    world.passed_s = 1e6
    world.others_bytes = 97 * GB
    with world.machine.residency.lease() as lease:
        lease.hold(Place(info("held").path))
        lease.want(Place(info("wanted").path))
        assert world.keeper.look() == 0
    world.passed_s = 2e6
    world.keeper.look()
    assert world.machine.names == {"pinned"}


def test_the_cheapest_leave_while_another_program_needs_the_memory_and_no_more_than_that() -> None:
    world = World()
    world.load("a", "b", "c", "d", size_bytes=3 * GB)
    for name in "bd":
        with world.machine.residency.lease() as lease:
            lease.hold(Place(info(name).path))
    world.passed_s = 60
    world.others_bytes = 82 * GB  # 6 GB are free, the floor is 5 GB
    assert world.keeper.look() == 0
    world.others_bytes = 84 * GB  # 4 GB: models go until 7.5 GB are free
    assert world.keeper.look() == 2
    assert world.machine.names == {"b", "d"}
    assert world.events[0].detail == "Another program needs the memory: only 4.0 GB were free."


def test_a_model_used_just_now_leaves_only_if_hardly_anything_is_left() -> None:
    world = World()
    world.load("a", size_bytes=3 * GB)
    world.others_bytes = 93 * GB
    assert world.keeper.look() == 0
    world.others_bytes = 95 * GB
    assert world.keeper.look() == 1


def test_idle_models_leave_when_the_budget_shrinks() -> None:
    world = World()
    world.load("a", "b", "c", "d")
    residency = world.machine.residency
    assert world.keeper.look() == 0
    residency.set_budget(2 * GB)
    assert residency.budget_bytes == 2 * GB
    assert world.keeper.look() == 2
    assert world.keeper.look() == 0
    held, _ = residency.residents()
    residency.pin(held.model.info)
    residency.set_budget(1)
    assert world.keeper.look() == 1
    assert world.machine.names == {held.model.info.id}
    residency.set_budget(None)
    world.load("e")
    assert world.keeper.look() == 0


def test_a_keeper_that_is_woken_looks_at_once() -> None:
    world = World()
    world.load("a")
    gone = threading.Event()
    keeper = Keeper(world.machine.residency, 900, interval_s=1e6)
    keeper.start()
    world.machine.residency.set_budget(1)
    world.machine.residency._on_unloaded = lambda _model: gone.set()
    keeper.wake()
    assert gone.wait(10)
    keeper.close()


def test_the_keeper_looks_by_itself() -> None:
    world = World()
    world.load("a")
    world.passed_s = 1e6
    gone = threading.Event()
    keeper = Keeper(
        world.machine.residency, 900, lambda _event: gone.set(), Sensors(now_s=lambda: 1e9), interval_s=0.01
    )
    keeper.start()
    assert gone.wait(10)
    keeper.close()
    keeper.close()
    world.keeper.close()  # was never started
    assert world.machine.names == set()
