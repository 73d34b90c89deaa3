import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil
import pytest

from engine.devices.telemetry.telemetry import BUSY_PERIOD_S, IDLE_PERIOD_S, MOST_FAILURES, Telemetry
from engine.hardware import DeviceInfo, DeviceKind, DeviceLoad, DeviceSample, HardwareEvent, HardwareEventKind

CPU = DeviceInfo(id="cpu", kind=DeviceKind.CPU, name="CPU")
GPU = DeviceInfo(id="gpu:0", kind=DeviceKind.GPU, name="GPU")
UNKNOWN = DeviceSample()


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Scripted:
    """A source whose samples are an attribute; None makes it fail."""

    def __init__(self, **samples: DeviceSample) -> None:
        self.samples: Mapping[str, DeviceSample] | None = samples
        self.reads: list[float] = []
        self.threads: set[str] = set()
        self.was_read = threading.Event()
        self.was_closed = threading.Event()

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        self.reads.append(now_s)
        self.threads.add(threading.current_thread().name)
        self.was_read.set()
        if self.samples is None:
            raise RuntimeError("the wire is cut")
        return self.samples

    def close(self) -> None:
        self.was_closed.set()


class Watched:
    """A telemetry whose clock, loads and sources are at hand."""

    def __init__(self, *sources: Scripted, devices: Sequence[DeviceInfo] = (CPU, GPU)) -> None:
        self.clock = Clock()
        self.loads: dict[str, DeviceLoad] = {}
        self.sources = list(sources)
        self.covered: list[list[str]] = []
        self.telemetry = Telemetry(lambda: self.loads, tuple, self.clock, choose=self._choose)
        self.telemetry.cover(devices)

    def _choose(
        self, devices: Sequence[DeviceInfo], processes: object, root: Path, is_at_work: Callable[[str], bool]
    ) -> list[Scripted]:
        self.is_at_work = is_at_work
        self.covered.append([device.id for device in devices])
        return self.sources

    def sample(self, after_s: float = 1.0) -> Mapping[str, DeviceSample]:
        self.clock.now_s += after_s
        sample = self.telemetry.sample_once()
        assert sample is not None
        assert sample.at_s == self.clock.now_s
        assert self.telemetry.latest() is sample
        return sample.devices


def by_id(**samples: DeviceSample) -> dict[str, DeviceSample]:
    return {name.replace("_", ":"): sample for name, sample in samples.items()}


@pytest.fixture
def make() -> Callable[..., Watched]:
    made = []

    def make(*args: Scripted, **more: Sequence[DeviceInfo]) -> Watched:
        made.append(Watched(*args, **more))
        return made[-1]

    yield make
    for watched in made:
        watched.telemetry.close()


def scripted(**samples: DeviceSample) -> Scripted:
    source = Scripted()
    source.samples = by_id(**samples)
    return source


def test_every_device_has_a_sample_and_no_other_has(make: Callable[..., Watched]) -> None:
    devices = make(scripted(gpu_7=DeviceSample(utilisation=0.5))).sample()
    assert devices.keys() == {"cpu", "gpu:0"}
    assert devices["gpu:0"] == UNKNOWN


def test_the_processor_computes_in_the_machines_memory(make: Callable[..., Watched]) -> None:
    watched = make(scripted(cpu=DeviceSample(memory_used_bytes=1)))
    cpu = watched.sample()["cpu"]
    latest = watched.telemetry.latest()
    assert latest is not None
    assert (cpu.memory_used_bytes, cpu.memory_ours_bytes) == (latest.memory_used_bytes, latest.memory_ours_bytes)
    assert 0 < latest.memory_ours_bytes <= latest.memory_used_bytes <= psutil.virtual_memory().total
    assert latest.swap_used_bytes is not None


def test_what_the_engine_counts_is_in_the_sample(make: Callable[..., Watched]) -> None:
    watched = make()
    watched.loads = {
        "cpu": DeviceLoad(device="cpu", tokens_per_s=30.0),
        "gpu:0": DeviceLoad(device="gpu:0", images_per_s=4),
    }
    watched.sample()
    latest = watched.telemetry.latest()
    assert latest is not None
    assert latest.tokens_per_s == {"cpu": 30.0, "gpu:0": 0.0}
    assert latest.images_per_s == {"cpu": 0.0, "gpu:0": 4}


def test_our_own_account_stands_in_where_nobody_counts(make: Callable[..., Watched]) -> None:
    source = scripted()
    watched = make(source)
    watched.loads = {name: DeviceLoad(device=name, busy=0.6) for name in ("cpu", "gpu:0")}
    devices = watched.sample()
    assert (devices["gpu:0"].ours, devices["gpu:0"].utilisation) == (0.6, None)
    assert devices["cpu"].ours is None  # a lane that computes all the time may use one core of many
    source.samples = by_id(gpu_0=DeviceSample(utilisation=0.4))
    assert watched.sample()["gpu:0"].ours == 0.4
    source.samples = by_id(gpu_0=DeviceSample(utilisation=0.4, ours=0.1), cpu=DeviceSample(utilisation=0.2, ours=0.3))
    devices = watched.sample()
    assert devices["gpu:0"].ours == 0.1
    assert (devices["cpu"].ours, devices["cpu"].utilisation) == (0.3, 0.3)  # what is ours is part of what is used
    source.samples = by_id(gpu_0=DeviceSample(ours=0.1))
    assert watched.sample()["gpu:0"] == DeviceSample(ours=0.1)


@pytest.mark.parametrize(
    ("load", "expected_s"),
    [
        ({}, IDLE_PERIOD_S),
        ({"busy": 0.0}, IDLE_PERIOD_S),
        ({"busy": 0.2}, BUSY_PERIOD_S),
        ({"running": 1}, BUSY_PERIOD_S),
        ({"waiting": 1}, BUSY_PERIOD_S),
    ],
)
def test_it_looks_twice_as_often_while_hearth_computes(
    make: Callable[..., Watched], load: Mapping[str, float], expected_s: float
) -> None:
    watched = make()
    watched.loads = {"cpu": DeviceLoad(device="cpu", **load)}
    watched.sample()
    assert watched.telemetry.period_s == expected_s
    assert watched.is_at_work("cpu") is (expected_s == BUSY_PERIOD_S)
    assert not watched.is_at_work("gpu:0")
    watched.loads = {}
    watched.sample()
    assert watched.telemetry.period_s == 1.0


def test_an_hour_of_history(make: Callable[..., Watched]) -> None:
    watched = make(scripted(gpu_0=DeviceSample(power_w=50.0)))
    for _ in range(3):
        watched.sample()
    assert [sample.at_s for sample in watched.telemetry.history(102.0)] == [102.0, 103.0]
    assert watched.telemetry.energy_j("gpu:0", 101.0, 103.0) == pytest.approx(100.0)
    assert watched.telemetry.energy_j("cpu", 101.0, 103.0) is None
    watched.sample(after_s=3600.0)
    assert len(watched.telemetry.history(0.0)) == 2  # the one of an hour ago, to the second, and the newest


def test_a_source_that_keeps_failing_is_left_out_with_one_line(
    make: Callable[..., Watched], caplog: pytest.LogCaptureFixture
) -> None:
    broken, sound = scripted(), scripted(gpu_0=DeviceSample(utilisation=0.5))
    broken.samples = None
    watched = make(broken, sound)
    with caplog.at_level(logging.WARNING):
        for _ in range(6):
            assert watched.sample()["gpu:0"].utilisation == 0.5
    assert len(broken.reads) == MOST_FAILURES == 3
    assert broken.was_closed.is_set()
    assert [record.message for record in caplog.records] == [
        "Scripted failed 3 times in a row and is left out: the wire is cut"
    ]


def test_a_source_that_fails_now_and_then_is_kept(make: Callable[..., Watched]) -> None:
    source = scripted()
    watched = make(source)
    for number in range(12):
        source.samples = None if number % 3 else by_id(gpu_0=DeviceSample(utilisation=0.5))
        assert watched.sample()["gpu:0"].utilisation == (None if number % 3 else 0.5)
    assert len(source.reads) == 12


def test_an_added_source_fills_what_the_devices_own_do_not_know(make: Callable[..., Watched]) -> None:
    watched = make(scripted(gpu_0=DeviceSample(utilisation=0.5)))
    added = scripted(gpu_0=DeviceSample(utilisation=0.9, power_w=7.0))
    watched.telemetry.add_source(added)
    assert watched.sample()["gpu:0"] == DeviceSample(utilisation=0.5, power_w=7.0)
    watched.telemetry.cover([GPU])
    assert watched.sample()["gpu:0"].power_w == 7.0  # it stays when the devices change
    watched.telemetry.close()
    assert added.was_closed.is_set()


class Bare:
    """As much of a source as everybody must have."""

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        return {"gpu:0": DeviceSample(power_w=now_s)}


def test_a_source_needs_nothing_but_read(make: Callable[..., Watched]) -> None:
    watched = make()
    watched.telemetry.add_source(Bare())
    assert watched.sample()["gpu:0"].power_w == 101.0
    watched.telemetry.close()


def test_covering_other_devices_replaces_their_sources(make: Callable[..., Watched]) -> None:
    old, new = scripted(), scripted(cpu=DeviceSample(utilisation=0.25))
    watched = make(old)
    watched.sample()
    watched.sources = [new]
    watched.sample()
    assert watched.covered == [["cpu", "gpu:0"]]
    watched.telemetry.cover([CPU])
    assert not old.was_closed.is_set()  # by whoever reads it, and not while it may be read
    assert watched.sample()["cpu"].utilisation == 0.25
    assert watched.covered == [["cpu", "gpu:0"], ["cpu"]]
    assert old.was_closed.is_set()


def test_before_devices_are_known_there_is_memory(make: Callable[..., Watched]) -> None:
    telemetry = Telemetry(dict, tuple)
    sample = telemetry.sample_once()
    assert sample is not None
    assert sample.devices == {}
    assert sample.memory_used_bytes > 0
    telemetry.close()


def test_the_beginning_of_throttling_is_noted(make: Callable[..., Watched]) -> None:
    source = scripted(gpu_0=DeviceSample(is_throttled=False))
    watched = make(source)
    loaded = HardwareEvent(at_s=100.5, kind=HardwareEventKind.LOADED, device="gpu:0", title="starter loaded")
    watched.telemetry.note(loaded)
    watched.sample()
    source.samples = by_id(gpu_0=DeviceSample(is_throttled=True, temperature_c=83.0))
    for _ in range(3):
        watched.sample()
    first, second = watched.telemetry.events()
    assert first == loaded
    assert (second.kind, second.device, second.at_s) == (HardwareEventKind.THROTTLED, "gpu:0", 102.0)
    assert second.detail == "83 °C"


def test_the_thread_samples_until_it_is_closed(make: Callable[..., Watched]) -> None:
    source = scripted()
    watched = make(source)
    telemetry = watched.telemetry
    telemetry.start()
    telemetry.start()
    assert source.was_read.wait(30)
    assert source.threads == {"hearth-telemetry"}
    assert [thread.name for thread in threading.enumerate()].count("hearth-telemetry") == 1
    telemetry.close()
    telemetry.close()
    assert "hearth-telemetry" not in {thread.name for thread in threading.enumerate()}
    assert source.was_closed.is_set()
    assert telemetry.latest() is not None
    telemetry.start()
    assert "hearth-telemetry" not in {thread.name for thread in threading.enumerate()}


def test_new_devices_are_looked_at_at_once(make: Callable[..., Watched]) -> None:
    watched = make(scripted())
    watched.telemetry.start()
    assert watched.sources[0].was_read.wait(30)
    new = scripted()
    watched.sources = [new]
    watched.telemetry.cover([CPU])
    assert new.was_read.wait(IDLE_PERIOD_S * 30)


def test_the_thread_outlives_a_fault_of_the_engine(
    make: Callable[..., Watched], caplog: pytest.LogCaptureFixture
) -> None:
    source = scripted()
    asked = threading.Event()

    def loads() -> Mapping[str, DeviceLoad]:
        if not asked.is_set():
            asked.set()
            raise KeyError("gpu:0")
        return {}

    telemetry = Telemetry(loads, tuple, choose=lambda *_: [source])
    telemetry.cover([CPU])
    telemetry.start()
    assert source.was_read.wait(30)
    telemetry.close()
    assert "A sample of the devices failed" in caplog.text


def test_closing_without_a_thread_releases_the_sources(make: Callable[..., Watched]) -> None:
    source = scripted()
    watched = make(source)
    watched.sample()
    watched.telemetry.close()
    watched.telemetry.close()
    assert source.was_closed.is_set()


def test_a_real_machine(make: Callable[..., Watched]) -> None:
    clock = Clock()
    telemetry = Telemetry(dict, tuple, clock)
    telemetry.cover([CPU])
    first = telemetry.sample_once()
    assert first is not None
    assert first.devices["cpu"].utilisation is None
    sum(range(5_000_000))  # some time goes by, and we use it
    clock.now_s += 1.0
    second = telemetry.sample_once()
    assert second is not None
    assert second.devices["cpu"].utilisation is not None
    assert second.devices["cpu"].ours is not None
    telemetry.close()
