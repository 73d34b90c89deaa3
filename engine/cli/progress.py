"""What a terminal shows beside an answer: how far the model or other work is, and what the model thinks."""

import sys
import time
from collections.abc import Callable
from typing import Final, TypeVar

from engine.background import JobUnit
from engine.cli.output import human_size
from engine.jobs import JobControl
from engine.jobs.pace import Pace

_BAR: Final = 30
_LONGEST: Final = 60

T = TypeVar("T")


class _Line:
    """A line on standard error that the next one replaces, if that is a terminal; prints nothing otherwise."""

    def __init__(self) -> None:
        self._is_shown = False

    def clear(self) -> None:
        """Take the line away."""
        if self._is_shown:
            self._is_shown = False
            self._write("")

    def _put(self, text: str) -> None:
        self._is_shown = True
        self._write(f"{text} ")

    def _write(self, text: str) -> None:
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


class WorkLine(_Line):
    """Shows how far work is, and of bytes how many come per second and how long the others take.

    Thread: that of the work; `clear` once it has ended.
    """

    def __init__(self) -> None:
        super().__init__()
        self._pace = Pace()

    def show(self, done: int, total: int, unit: JobUnit, detail: str) -> None:
        """Say how much of how much is done, and what is done right now."""
        if not sys.stderr.isatty():
            return
        share = min(1.0, done / total) if total else 0.0
        full = round(_BAR * share)
        words = self._of_bytes(done, total) if unit is JobUnit.BYTES else []
        words.append("".join(letter for letter in detail if letter.isprintable())[:_LONGEST])
        self._put(f"{'█' * full}{'░' * (_BAR - full)} {share:4.0%}  {', '.join(filter(None, words))}")

    def _of_bytes(self, done: int, total: int) -> list[str]:
        now_s = time.monotonic()
        self._pace.note(now_s, done)
        rate = self._pace.rate(now_s)
        words = [f"{human_size(done)} of {human_size(total)}" if total else human_size(done) if done else ""]
        if rate > 0:
            words.append(f"{human_size(round(rate))}/s")
            words.append(f"{_time_words(max(0, total - done) / rate)} left" if total else "")
        return words


def watched(work: Callable[[JobControl], T]) -> T:
    """Do a job's work here and now, while a line shows how far it is."""
    line = WorkLine()
    try:
        return work(JobControl(line.show, lambda _spec: None))
    finally:
        line.clear()


class LoadingLine(_Line):
    """Shows how far a model is loaded."""

    def show(self, fraction: float) -> None:
        """Say how much is loaded, in [0, 1]."""
        if sys.stderr.isatty():
            self._put(f"Loading the model: {fraction:4.0%}")


class ThinkingText:
    """Shows what a model thinks before it answers, dim, on standard error if that is a terminal; nothing otherwise."""

    def __init__(self) -> None:
        self._is_shown = False

    def show(self, text: str) -> None:
        """Show more of it."""
        if sys.stderr.isatty():
            self._is_shown = True
            safe = "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")
            sys.stderr.write(f"\x1b[2m{safe}\x1b[0m")
            sys.stderr.flush()

    def end(self) -> None:
        """Begin a new line for the answer."""
        if self._is_shown:
            self._is_shown = False
            sys.stderr.write("\n")
            sys.stderr.flush()


def _time_words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
