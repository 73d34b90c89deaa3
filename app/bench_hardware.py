"""`python -m app.bench_hardware`: what the Hardware page costs while it is shown, as a share of one core.

The real window with the real engine, in a home of its own. Measured is the processor time of this process while the
Hardware page is shown, less that while the Chat page is shown; the engine's own sampling goes on in both. An idle
engine samples once a second and finds little, so `core_share` is measured with samples that are made up here: two a
second, all numbers of all devices other than before, an hour of them, and marks on the time axis. `core_share_idle`
is the same with what the engine really sampled.
"""

import argparse
import asyncio
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import cast

from PySide6.QtWidgets import QApplication

from app.application import run_qt
from app.hardware import HardwareController, HardwarePage, HardwareSource
from app.hardware.clock import LONGEST_S
from app.main import App, Options
from app.settings import AppSettings
from engine import Engine, EngineConfig, EngineSnapshot
from engine.hardware import (
    DeviceInfo,
    DeviceSample,
    HardwareEvent,
    HardwareEventKind,
    HardwareSnapshot,
    TelemetrySample,
)

_STEP_S = 0.5
_SETTLE_S = 1.0
_WAIT_S = 60.0
_MARKS_S = (500.0, 320.0, 140.0, 20.0)  # how long ago


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is measured: seconds of each page in turn, and how often."""

    seconds: float
    rounds: int


@dataclass(slots=True)
class Measured:
    """Shares of one core, one for each round.

    Attributes:
        shown: with the page shown.
        hidden: with another page shown.
        devices: how many cards the page had.
        ticks: how often the page was brought up to date while it was shown, and while it was not.
    """

    shown: list[float] = field(default_factory=list)
    hidden: list[float] = field(default_factory=list)
    devices: int = 0
    ticks: tuple[int, int] = (0, 0)

    @property
    def core_share(self) -> float:
        """What the page costs; NaN where nothing was measured."""
        differences = [shown - hidden for shown, hidden in zip(self.shown, self.hidden, strict=True)]
        return max(0.0, median(differences)) if differences else math.nan


class LivelyTelemetry:
    """Samples in which every number changes; an hour of them from the beginning."""

    def __init__(self, devices: Sequence[DeviceInfo], memory_bytes: int) -> None:
        self._devices = devices
        self._memory_bytes = memory_bytes
        self._random = random.Random(1)
        self._latest = self._sample(time.monotonic())
        now_s = time.monotonic()
        self._events = tuple(
            HardwareEvent(at_s=now_s - age_s, kind=HardwareEventKind.LOADED, device="cpu", title="a model loaded")
            for age_s in _MARKS_S
        )

    def latest(self) -> TelemetrySample:
        """The newest sample."""
        return self._latest

    def history(self, since_s: float) -> tuple[TelemetrySample, ...]:
        """Samples since a moment, two a second."""
        now_s = time.monotonic()
        count = max(1, round((now_s - max(since_s, now_s - LONGEST_S)) / _STEP_S))
        samples = tuple(self._sample(now_s - number * _STEP_S) for number in reversed(range(count)))
        self._latest = samples[-1]
        return samples

    def events(self) -> tuple[HardwareEvent, ...]:
        """A few, so that there are marks."""
        return self._events

    def _sample(self, at_s: float) -> TelemetrySample:
        ours_bytes = round(self._memory_bytes * (0.3 + 0.1 * math.sin(at_s / 20)))
        return TelemetrySample(
            at_s=at_s,
            devices={device.id: self._device(device, at_s) for device in self._devices},
            memory_used_bytes=ours_bytes + round(self._memory_bytes * 0.2),
            memory_ours_bytes=ours_bytes,
        )

    def _device(self, device: DeviceInfo, at_s: float) -> DeviceSample:
        ours = 0.5 + 0.2 * math.sin(at_s / 5) + self._random.uniform(-0.1, 0.1)
        return DeviceSample(
            utilisation=ours + self._random.uniform(0.0, 0.2),
            ours=ours,
            temperature_c=self._random.uniform(50, 80),
            power_w=self._random.uniform(20, 60),
            cores=tuple(self._random.random() for _ in range(8)) if device.id == "cpu" else (),
        )


class LivelySource:
    """An engine's devices, with lively numbers."""

    def __init__(self, engine: HardwareSource) -> None:
        self._engine = engine
        snapshot = engine.hardware()
        self.telemetry = LivelyTelemetry(snapshot.devices, snapshot.memory_bytes)
        self._random = random.Random(2)

    def hardware(self) -> HardwareSnapshot:
        """The engine's own snapshot, but for its numbers."""
        snapshot = self._engine.hardware()
        loads = {
            device: replace(load, running=1, tokens_per_s=self._random.uniform(30, 40))
            for device, load in snapshot.loads.items()
        }
        return replace(snapshot, loads=loads, latest=self.telemetry.latest())

    def snapshot(self) -> EngineSnapshot:
        """The engine's own."""
        return self._engine.snapshot()


async def until(condition: Callable[[], object]) -> None:
    """Let the loop run until something holds.

    Raises:
        TimeoutError: it did not within a minute.
    """
    async with asyncio.timeout(_WAIT_S):
        while not condition():  # noqa: ASYNC110 - what is waited for are states of widgets, not events
            await asyncio.sleep(0.01)


async def core_share(seconds: float) -> float:
    """Share of one core that this process takes over some seconds, all its threads together."""
    used_s, started_s = time.process_time(), time.perf_counter()
    await asyncio.sleep(seconds)
    return (time.process_time() - used_s) / (time.perf_counter() - started_s)


@contextmanager
def counting(controller: HardwareController, measured: Measured, *, is_shown: bool) -> Iterator[None]:
    """Count the looks of a controller."""
    looks: list[bool] = []
    controller.ticked.connect(looks.append)
    try:
        yield
    finally:
        controller.ticked.disconnect(looks.append)
    shown, hidden = measured.ticks
    measured.ticks = (shown + len(looks), hidden) if is_shown else (shown, hidden + len(looks))


async def measure(app: App, page: HardwarePage, amount: Amount) -> Measured:
    """Show the Hardware page and another one in turn."""
    measured = Measured()
    for _ in range(amount.rounds):
        for name, shares in (("hardware", measured.shown), ("chat", measured.hidden)):
            app.window.show_named(name)
            await until(lambda: page.board is not None and page.board.is_complete)
            await asyncio.sleep(_SETTLE_S)
            with counting(app.hardware, measured, is_shown=name == "hardware"):
                shares.append(await core_share(amount.seconds))
    assert page.board is not None
    measured.devices = len(page.board.cards)
    return measured


async def measure_all(qt: QApplication, home: Path, amount: Amount, found: dict[str, Measured]) -> None:
    """Measure with lively numbers, then with those that the engine sampled."""
    engine = Engine(EngineConfig(home=home))
    app = App(qt, Options(config=engine.config, theme="dark"), AppSettings(), engine)
    page = app.window.findChild(HardwarePage)
    assert page is not None
    try:
        app.window.show()
        app.open()
        await until(lambda: app.chat.choices.current is not None)
        lively = cast("HardwareSource", LivelySource(engine))
        app.hardware._source = lively  # noqa: SLF001 - numbers as they are while much happens
        found["lively"] = await measure(app, page, amount)
        app.hardware._source = engine  # noqa: SLF001
        found["idle"] = await measure(app, page, replace(amount, rounds=1))
    finally:
        await app.close()


def report(found: dict[str, Measured]) -> dict[str, float | int]:
    """Sum up: shares of one core, and what was shown."""
    lively, idle = found["lively"], found["idle"]
    return {
        "core_share": round(lively.core_share, 5),
        "core_share_idle": round(idle.core_share, 5),
        "shown": round(median(lively.shown), 5),
        "hidden": round(median(lively.hidden), 5),
        "devices": lively.devices,
        "ticks_shown": lively.ticks[0],
        "ticks_hidden": lively.ticks[1],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one line of JSON; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.bench_hardware", description="Measure the Hardware page.")
    parser.add_argument("--json", action="store_true", help="as always: one JSON document")
    parser.add_argument("--quick", action="store_true", help="measure briefly")
    said = parser.parse_args(arguments)
    amount = Amount(3.0, 1) if said.quick else Amount(10.0, 3)
    found: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as home:
        run_qt(lambda qt: measure_all(qt, Path(home), amount, found))
    sys.stdout.write(json.dumps(report(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
