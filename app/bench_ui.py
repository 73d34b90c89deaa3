"""`python -m app.bench_ui`: how smooth the window stays while an answer streams, and how fast Stop works.

The real window with the real engine and the bundled starter, in a home of its own. Lag is how late a 4 ms timer of the
window's own event loop fires; it is taken only while an answer streams. Stop is measured from the key press until the
answer has its place in the transcript and no request runs in the engine any more.
"""

import argparse
import asyncio
import json
import math
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import perf_counter

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.application import run_qt
from app.chat import ChatPage
from app.chat.failure import Failure
from app.chat.presets import Preset
from app.main import App, Options
from app.settings import AppSettings
from engine import Accepts, Engine, EngineConfig, ModelInfo, Sampling
from engine.testing import FakeBackend, FakeLibrary

_TICK_MS = 4
_FAKE_STEP_S = 0.002  # about 500 tokens a second, faster than anybody reads
_PROMPTS = (
    "What is a generator in Python?",
    "Write a Python function that reverses a string.",
    "What is Hearth?",
    "How do I open a file in Python?",
    "Explain list comprehensions with examples.",
)
_SPECIAL_TOKENS = 8  # the first tokens of the starter, the end of an answer among them
_ENDLESS = Preset("Endless", "Never ends", Sampling(logit_bias=dict.fromkeys(range(_SPECIAL_TOKENS), -1000.0)))
"""The starter's own answers last a tenth of a second; with this they last until its context is full."""
_TURNS = 3  # of one chat: more might not fit the context of the starter
_WAIT_S = 60.0


class AnswerFailedError(Exception):
    """The window showed a message instead of an answer; its words."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is measured: seconds of streaming, and stops."""

    stream_s: float
    stops: int


@dataclass(slots=True)
class Measured:
    """What one engine gave.

    Attributes:
        lag_ms: how late each tick of the timer was while a long answer streamed.
        turns_lag_ms: the same while short answers followed each other, a new turn every tenth of a second.
        stop_ms: each stop.
        tokens: that were streamed while lag was measured.
        stream_s: how long that took.
    """

    lag_ms: list[float] = field(default_factory=list)
    turns_lag_ms: list[float] = field(default_factory=list)
    stop_ms: list[float] = field(default_factory=list)
    tokens: int = 0
    stream_s: float = 0.0

    def figures(self) -> dict[str, float]:
        """Sum up; every figure is milliseconds, but for `tokens_per_s`."""
        return {
            "lag_ms_p50": percentile(self.lag_ms, 0.50),
            "lag_ms_p99": percentile(self.lag_ms, 0.99),
            "lag_ms_max": max(self.lag_ms, default=math.nan),
            "turns_lag_ms_p99": percentile(self.turns_lag_ms, 0.99),
            "stop_ms_p50": percentile(self.stop_ms, 0.50),
            "stop_ms_p95": percentile(self.stop_ms, 0.95),
            "stop_ms_max": max(self.stop_ms, default=math.nan),
            "tokens_per_s": self.tokens / self.stream_s if self.stream_s else math.nan,
        }


def percentile(values: Sequence[float], share: float) -> float:
    """Smallest value that at least this share of the values does not exceed; NaN without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


class LagMeter(QObject):
    """A timer that notes how late it is while it is told to.

    Attributes:
        late_ms: one entry a tick.
    """

    def __init__(self) -> None:
        super().__init__()
        self.late_ms: list[float] = []
        self._before = 0.0
        self._timer = QTimer(self, interval=_TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        """Begin to note."""
        self._before = perf_counter()
        self._timer.start()

    def stop(self) -> None:
        """Note no more."""
        self._timer.stop()

    def _tick(self) -> None:
        now = perf_counter()
        self.late_ms.append(max(0.0, (now - self._before) * 1000 - _TICK_MS))
        self._before = now


class Window:
    """The real window under test."""

    def __init__(self, qt: QApplication, engine: Engine) -> None:
        self._engine = engine
        self._app = App(qt, Options(config=engine.config, theme="dark"), AppSettings(), engine)
        self._chat = self._app.chat
        page = self._app.window.findChild(ChatPage)
        assert page is not None
        self._page = page
        self._failures: list[str] = []
        self._chat.failed.connect(self._on_failed)

    async def open(self) -> None:
        """Show it, open the engine, and load the model."""
        self._app.window.show()
        self._app.open()
        await until(lambda: self._chat.choices.current is not None)
        self._chat.send(_PROMPTS[0])
        await until(lambda: self._has_words() or not self._chat.session.is_busy)
        self._chat.stop()
        await self._ended()

    async def close(self) -> None:
        """End everything."""
        await self._app.close()

    async def stream(self, seconds: float, measured: Measured) -> None:
        """Let long answers stream at full speed, each in a chat of its own, and note how late the timer is."""
        usual, self._chat.choices.preset = self._chat.choices.preset, _ENDLESS
        measured.lag_ms = await self._answers(seconds, measured, turns=1)
        self._chat.choices.preset = usual

    async def turns(self, seconds: float, measured: Measured) -> None:
        """Let answers come as they are, several in a chat, and note how late the timer is."""
        measured.turns_lag_ms = await self._answers(seconds, Measured(), turns=_TURNS)

    async def _answers(self, seconds: float, measured: Measured, turns: int) -> list[float]:
        meter = LagMeter()
        number = 0
        while measured.stream_s < seconds:
            if number % turns == 0:
                self._chat.new_chat()
            self._chat.send(_PROMPTS[number % len(_PROMPTS)])
            number += 1
            await until(lambda: self._has_words() or not self._chat.session.is_busy)
            started = perf_counter()
            meter.start()
            limit = started + seconds - measured.stream_s
            await until(partial(self._is_over, limit))
            self._chat.stop()
            await self._ended()
            await until(lambda: self._page.transcript.is_settled)
            meter.stop()
            measured.stream_s += perf_counter() - started
            last = self._chat.session.last
            measured.tokens += last.facts.output_tokens if last else 0
        return meter.late_ms

    async def stop_times(self, count: int, measured: Measured) -> None:
        """Stop answers at different moments with the Esc key."""
        for number in range(4 * count):  # an answer may end by itself first; then it does not count
            if len(measured.stop_ms) == count:
                return
            self._chat.new_chat()
            self._chat.send(_PROMPTS[number % len(_PROMPTS)])
            moment = perf_counter() + 0.02 + 0.013 * (number % 8)
            await until(partial(self._is_over, moment))
            await until(lambda: self._has_words() or not self._chat.session.is_busy)
            if not self._chat.session.is_busy:
                continue
            pressed = perf_counter()
            QTest.keyClick(self._page.composer.edit, Qt.Key.Key_Escape)
            await self._ended()
            measured.stop_ms.append((perf_counter() - pressed) * 1000)

    def _is_over(self, moment: float) -> bool:
        return not self._chat.session.is_busy or perf_counter() > moment

    def _has_words(self) -> bool:
        last = self._chat.session.last
        return last is not None and bool(last.model) and bool(last.text)

    async def _ended(self) -> None:
        await until(lambda: not self._chat.session.is_busy and not self._engine.snapshot().running)
        if self._failures:
            raise AnswerFailedError(self._failures[0])

    def _on_failed(self, failure: Failure) -> None:
        self._failures.append(f"{failure.cause} {failure.remedy}".strip())


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something holds; looks every millisecond, which is as exact as the figures need."""
    async with asyncio.timeout(_WAIT_S):
        while not condition():  # noqa: ASYNC110 - what is waited for are states of widgets, not events
            await asyncio.sleep(0.001)


async def measure(qt: QApplication, engine: Engine, amount: Amount) -> Measured:
    """Open a window over an engine and measure."""
    window, measured = Window(qt, engine), Measured()
    try:
        await window.open()
        await window.stream(amount.stream_s, measured)
        await window.turns(amount.stream_s / 3, measured)
        await window.stop_times(amount.stops, measured)
    finally:
        await window.close()
    return measured


_SCRIPTED = ModelInfo(
    id="scripted",
    path=Path("scripted.gguf"),
    format="gguf",
    name="Scripted",
    architecture="none",
    size_bytes=0,
    accepts=frozenset({Accepts.MESSAGES}),
)
_SCRIPT = """A generator is a function that gives its values one at a time:

```python
def count(n):
    for i in range(n):
        yield i  # waits here
```

It keeps **its place** between two values, so `next()` goes on where it was.

"""


def _computing(home: Path) -> EngineConfig:
    """Settings with which every answer is computed."""
    return EngineConfig(home=home, cache_memory_bytes=0, cache_disk_bytes=0, probe_files=False, used_in_place=())


def scripted_engine(home: Path) -> Engine:
    """An engine whose model writes the same Markdown over and over, 500 tokens a second."""
    pieces = tuple(f"{word} " for word in _SCRIPT.split(" "))
    backend = FakeBackend(script=pieces, repeat=True, step_s=_FAKE_STEP_S)
    engine = Engine(_computing(home), backends={"gguf": backend})
    engine._library = FakeLibrary([_SCRIPTED])  # noqa: SLF001 - a model without a file
    return engine


async def measure_all(qt: QApplication, home: Path, amount: Amount, found: dict[str, Measured]) -> None:
    """Measure with the starter, then with the scripted model."""
    found["starter"] = await measure(qt, Engine(_computing(home / "starter")), amount)
    found["scripted"] = await measure(qt, scripted_engine(home / "scripted"), amount)


def report(found: Mapping[str, Measured]) -> dict[str, Mapping[str, object]]:
    """The starter's figures are the ones that count; the scripted model's stand beside them."""
    figures = found["starter"].figures()
    figures |= {f"scripted_{name}": value for name, value in found["scripted"].figures().items()}
    samples = {f"{name}_stop_ms": measured.stop_ms for name, measured in found.items()}
    counts = {f"{name}_ticks": len(measured.lag_ms) for name, measured in found.items()}
    return {"figures": figures, "samples": {**samples, **counts}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.bench_ui", description="Measure the window.")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--quick", action="store_true", help="measure briefly")
    said = parser.parse_args(arguments)
    amount = Amount(1.0, 5) if said.quick else Amount(12.0, 40)
    found: dict[str, Measured] = {}
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as home:
        try:
            run_qt(lambda qt: measure_all(qt, Path(home), amount, found))
        except AnswerFailedError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    document = report(found)
    if said.json:
        sys.stdout.write(json.dumps(document) + "\n")
    else:
        for name, value in document["figures"].items():
            sys.stdout.write(f"{name:24} {value:10.1f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
