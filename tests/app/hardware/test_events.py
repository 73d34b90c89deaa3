"""The list of events: a sound model, and rows that say everything."""

from app.hardware.clock import Clock
from app.hardware.event_list import ENTRY_ROLE, HOUR_ROLE, ROW_HEIGHT, EventList, EventModel
from app.hardware.event_log import NumberedEvent
from app.theme import Appearance
from engine.hardware import HardwareEvent, HardwareEventKind

CLOCK = Clock(monotonic_s=100.0, wall_s=1_790_000_000.0)


def entries(count: int, first: int = 1) -> tuple[NumberedEvent, ...]:
    return tuple(
        NumberedEvent(
            number,
            HardwareEvent(
                at_s=float(number), kind=HardwareEventKind.LOADED, device="cpu", title=f"model {number}", detail="cpu"
            ),
        )
        for number in range(first, first + count)
    )


def test_the_model_is_sound(qtmodeltester):
    model = EventModel()
    qtmodeltester.check(model)
    assert model.show_events(entries(3), CLOCK, {})
    qtmodeltester.check(model)
    assert model.show_events(entries(5), CLOCK, {})
    assert model.show_events((), CLOCK, {})
    qtmodeltester.check(model)


def test_the_same_events_change_nothing(qtbot):
    model = EventModel()
    model.show_events(entries(2), CLOCK, {})
    with qtbot.assertNotEmitted(model.modelReset):
        assert not model.show_events(entries(2), CLOCK, {})


def test_a_row_says_number_title_detail_and_time():
    model = EventModel()
    model.show_events(entries(1), CLOCK, {"cpu": "CPU"})
    index = model.index(0)
    assert index.data() == "model 1"
    assert index.data(ENTRY_ROLE).number == 1
    hour = index.data(HOUR_ROLE)
    assert len(hour) == 5
    assert hour[2] == ":"
    said = model.data(index, 11)  # the accessible text
    assert said.startswith("1: model 1, CPU, ")
    assert hour in said


def test_the_newest_stays_in_view_unless_somebody_looks_back(qtbot):
    events = EventList(Appearance("light"))
    qtbot.addWidget(events)
    events.resize(372, 200)
    events.show()
    events.show_events(entries(9), CLOCK, {}, "in the last hour")
    bar = events.view.verticalScrollBar()
    qtbot.waitUntil(lambda: 0 < bar.maximum() == bar.value())
    bar.setValue(0)
    events.show_events(entries(10), CLOCK, {}, "in the last hour")
    assert bar.value() == 0
    assert events.view.sizeHintForRow(0) == ROW_HEIGHT
    assert not events.grab().isNull()
