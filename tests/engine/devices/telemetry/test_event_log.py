from engine.devices.telemetry.event_log import CALM_S, EventLog, ThrottleWatch
from engine.hardware import DeviceSample, HardwareEvent, HardwareEventKind


def event(number: int) -> HardwareEvent:
    return HardwareEvent(at_s=number, kind=HardwareEventKind.LOADED, device="cpu", title=f"model {number} loaded")


def begun(watch: ThrottleWatch, at_s: float, is_throttled: bool | None, **more: float) -> list[HardwareEvent]:
    return watch.begun(at_s, {"cpu": DeviceSample(is_throttled=is_throttled, **more)})


def test_the_newest_events_are_kept_newest_last() -> None:
    log = EventLog()
    for number in range(300):
        log.note(event(number))
    assert [it.at_s for it in log.all()] == list(range(44, 300))


def test_the_beginning_of_throttling_is_an_event_and_its_going_on_is_none() -> None:
    watch = ThrottleWatch()
    assert begun(watch, 0, is_throttled=False) == []
    [first] = begun(watch, 1, is_throttled=True, temperature_c=96.4, power_w=28.2)
    assert first == HardwareEvent(
        at_s=1,
        kind=HardwareEventKind.THROTTLED,
        device="cpu",
        title="slowed down by heat or a power limit",
        detail="96 °C, 28 W",
    )
    assert [begun(watch, at_s, is_throttled=True) for at_s in (2, 3, 3 + CALM_S)] == [[], [], []]


def test_a_device_at_its_limit_is_one_event() -> None:
    watch = ThrottleWatch()
    assert len(begun(watch, 0, is_throttled=True)) == 1
    for at_s in range(1, 30):
        assert begun(watch, at_s, is_throttled=at_s % 2 == 0) == []
    assert begun(watch, 28 + CALM_S, is_throttled=False) == []
    [again] = begun(watch, 29 + CALM_S, is_throttled=True)
    assert again.detail == ""


def test_unknown_is_no_throttling() -> None:
    watch = ThrottleWatch()
    assert begun(watch, 0, is_throttled=None) == []
    assert len(begun(watch, 1, is_throttled=True)) == 1


def test_devices_are_watched_apart() -> None:
    watch, hot = ThrottleWatch(), DeviceSample(is_throttled=True)
    assert [it.device for it in watch.begun(0, {"cpu": hot})] == ["cpu"]
    assert [it.device for it in watch.begun(1, {"cpu": hot, "gpu:0": hot})] == ["gpu:0"]
