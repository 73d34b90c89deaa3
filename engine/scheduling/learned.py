"""Learned: what requests have shown about models, kept between runs: lengths of answers, times to load, read and write.

Every figure is a mean over what was seen, in which the past fades: the newest of many counts as much as `1 - kept`, and
the first few count alike, so one figure is worth something from its first sample on.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import msgspec

from engine.plugins.atomic_file import exclusive, replace_file

log = logging.getLogger(__name__)

SAVE_EVERY_S: Final = 30.0
"""Least time between two saves while the program runs; what a crash loses."""
UNKNOWN_ANSWER_TOKENS: Final = 128
"""Tokens expected of an answer while nothing is known. A guess: a paragraph."""

_ANSWERS_KEPT: Final = 0.9  # lengths of answers differ a lot
_LOADS_KEPT: Final = 0.5  # whether a file is in the system's cache changes from load to load
_STEPS_KEPT: Final = 0.97  # some thirty steps, a few seconds
_FIRST_STEPS: Final = 2
"""Steps of each kind that are not counted after a start: a driver compiles, caches are cold."""
_SLOWEST: Final = 4.0
"""A step that takes more than this times what was expected counts as this: another program had the machine."""
_SURE: Final = 5.0
"""Samples after which one is expected to be like the others."""
_LEAST_PREFILL_TOKENS: Final = 16
"""Shorter chunks say nothing about longer ones: each reads all weights once."""
_ROW_SHARE: Final = 0.5
"""Time of one more row against a step without any, while all steps seen had equally many rows. A guess: 0.6 on a
processor of two cores, less where there is more arithmetic."""
_GUESS_WEIGHT: Final = 0.5
"""How many samples, one row away from the others, the guess is worth."""

_LARGEST_BYTES: Final = 4 << 20
_MOST_ENTRIES: Final = 10_000
_FORMAT: Final = 1

Key = tuple[str, str, str]
"""Kind of figure, model, and task or device."""

_Amount = Annotated[float, msgspec.Meta(ge=0, le=1e18)]


class _Sums(msgspec.Struct, frozen=True, array_like=True):
    """Fading sums over samples (x, y): of 1, x, y, x·x and x·y."""

    n: Annotated[float, msgspec.Meta(gt=0, le=1e18)]
    x: _Amount
    y: _Amount
    xx: _Amount
    xy: _Amount

    @property
    def mean(self) -> float:
        """Of y."""
        return self.y / self.n

    def line(self) -> tuple[float, float]:
        """The a and b, neither negative, of the line y = a + b·x that fits best.

        The slope is drawn a little towards a guess, which decides it while every x was the same.
        """
        mean_x, mean_y = self.x / self.n, self.mean
        guess = _ROW_SHARE * mean_y / (1 + _ROW_SHARE * mean_x)
        spread, together = max(0.0, self.xx - self.x * mean_x), self.xy - self.x * mean_y
        slope = max(0.0, (together + _GUESS_WEIGHT * guess) / (spread + _GUESS_WEIGHT))
        slope = min(slope, mean_y / mean_x) if mean_x else slope
        return mean_y - slope * mean_x, slope


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    kind: str
    model: str
    other: str
    sums: _Sums


class _File(msgspec.Struct, frozen=True):
    """What the file holds."""

    format: int = _FORMAT
    entries: tuple[_Entry, ...] = ()


class Learned:
    """What is learned about models, in one small file that several Hearths share: each keeps what it saw last.

    Nothing here fails: without a file, or with a damaged one (it is set aside), everything is learned anew.

    Thread: any; nothing waits for the disk but the first call, which reads, and `close`.
    """

    def __init__(self, path: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the file when it is first needed.

        Args:
            path: of the file; neither it nor its folder need exist. None keeps nothing.
            clock: seconds.
        """
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[Key, _Sums] | None = None  # guarded by _lock
        self._changed: set[Key] = set()  # guarded by _lock; since the last save
        self._steps: dict[Key, int] = {}  # guarded by _lock; since the start
        self._saved_s = clock()  # guarded by _lock
        self._saver: threading.Thread | None = None  # guarded by _lock

    def note_answer(self, model: str, task: str, output_tokens: int, *, is_cut: bool = False) -> None:
        """Learn from an answer that has ended.

        Args:
            model: its id.
            task: what the model was asked for, or the form of the request.
            output_tokens: that it came to.
            is_cut: whether it ended only because its limit was reached. It then says that answers are at least so
                long, and counts where less was expected.
        """
        with self._lock:
            sums = self._find("answer", model, task)
            if not is_cut or sums is None or output_tokens > sums.mean:
                self._add(("answer", model, task), 0.0, output_tokens, _ANSWERS_KEPT)

    def expected_tokens(self, model: str, task: str, max_tokens: int) -> int:
        """Tokens that an answer will come to, from 1 to its limit."""
        with self._lock:
            sums = self._find("answer", model, task)
        return max(1, min(max_tokens, round(sums.mean) if sums is not None else UNKNOWN_ANSWER_TOKENS))

    def note_load(self, model: str, seconds: float) -> None:
        """Learn from a load that succeeded."""
        with self._lock:
            self._add(("load", model, ""), 0.0, seconds, _LOADS_KEPT)

    def load_s(self, model: str) -> float | None:
        """Seconds that it takes to load a model; None while it was never loaded."""
        with self._lock:
            sums = self._find("load", model)
        return sums.mean if sums is not None else None

    def note_prefill(self, model: str, device: str, tokens: int, seconds: float) -> None:
        """Learn from a step that read this many tokens of prompts and did little else."""
        key = ("prefill", model, device)
        with self._lock:
            if tokens < _LEAST_PREFILL_TOKENS or seconds <= 0 or not self._is_counted(key):
                return
            sums = self._find(*key)
            if sums is not None and sums.n >= _SURE and sums.x > 0:
                seconds = min(seconds, _SLOWEST * tokens * sums.y / sums.x)
            self._add(key, tokens, seconds, _STEPS_KEPT)

    def prefill_tokens_per_s(self, model: str, device: str) -> float | None:
        """Tokens of a prompt read per second; None while that is not known."""
        with self._lock:
            sums = self._find("prefill", model, device)
        return sums.x / sums.y if sums is not None and sums.y > 0 else None

    def note_decode(self, model: str, device: str, rows: int, seconds: float, tokens: int | None = None) -> None:
        """Learn from a step that did nothing but decode for so many sequences.

        Args:
            model: its id.
            device: where it is.
            rows: the sequences.
            seconds: that it took.
            tokens: that they got together; None for one each.
        """
        key, drafts = ("decode", model, device), ("drafts", model, device)
        with self._lock:
            if rows < 1 or seconds <= 0 or not self._is_counted(key):
                return
            if tokens is not None and (tokens > rows or self._find(*drafts) is not None):
                self._add(drafts, rows, tokens, _STEPS_KEPT)
            sums = self._find(*key)
            if sums is not None and sums.n >= _SURE:
                fixed, per_row = sums.line()
                seconds = min(seconds, _SLOWEST * (fixed + per_row * rows))
            self._add(key, rows, seconds, _STEPS_KEPT)

    def step_s(self, model: str, device: str, rows: int) -> float | None:
        """Seconds in which each of so many sequences gets a token; None while that is not known.

        A step reads all weights once and computes each row: a part that is fixed, and one per row, by least squares.
        Where drafts give a sequence several tokens in a step, each of them takes its part of the step.
        """
        with self._lock:
            sums, drafts = self._find("decode", model, device), self._find("drafts", model, device)
        if sums is None:
            return None
        fixed, per_row = sums.line()
        tokens_per_row = drafts.y / drafts.x if drafts is not None and drafts.y > drafts.x > 0 else 1.0
        return (fixed + per_row * rows) / tokens_per_row

    def close(self) -> None:
        """Save what was learned. May be called twice; what is noted afterwards may be lost."""
        with self._lock:
            saver = self._saver
        if saver is not None:
            saver.join()
        self._save()

    def _find(self, kind: str, model: str, other: str = "") -> _Sums | None:
        if self._known is None:
            self._known = self._read()
        return self._known.get((kind, model, other))

    def _is_counted(self, key: Key) -> bool:
        """Count a step; return whether it is to be learned from."""
        seen = self._steps[key] = self._steps.get(key, 0) + 1
        return seen > _FIRST_STEPS

    def _add(self, key: Key, x: float, y: float, kept: float) -> None:
        old = self._find(*key)
        n, sum_x, sum_y, xx, xy = (old.n, old.x, old.y, old.xx, old.xy) if old is not None else (0.0,) * 5
        assert self._known is not None  # `_find` has read it
        self._known.pop(key, None)  # goes to the end: the first ones are those that nobody has used for longest
        y = max(0.0, y)
        self._known[key] = _Sums(kept * n + 1, kept * sum_x + x, kept * sum_y + y, kept * xx + x * x, kept * xy + x * y)
        self._changed.add(key)
        if self._path is not None and self._saver is None and self._clock() - self._saved_s >= SAVE_EVERY_S:
            # A lane notes its steps here, and must not wait for a disk.
            self._saver = threading.Thread(target=self._save, name="hearth-learned", daemon=True)
            self._saver.start()

    def _save(self) -> None:
        with self._lock:
            changed = {key: self._known[key] for key in self._changed} if self._known is not None else {}
            self._changed.clear()
        try:
            if self._path is not None and changed:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with exclusive(self._path):
                    known = self._read()  # another Hearth may have learned something meanwhile
                    for key, sums in changed.items():
                        known.pop(key, None)
                        known[key] = sums
                    replace_file(self._path, _encoded(known))
        except OSError as error:
            log.warning("What was learned about models cannot be kept in %s: %s", self._path, error)
        finally:
            with self._lock:
                self._saved_s = self._clock()
                self._saver = None

    def _read(self) -> dict[Key, _Sums]:
        if self._path is None:
            return {}
        try:
            with self._path.open("rb") as file:
                data = file.read(_LARGEST_BYTES + 1)
            found = msgspec.json.decode(data, type=_File)
        except FileNotFoundError:
            return {}
        except OSError as error:
            log.warning("%s cannot be read (%s); models are learned anew", self._path, error)
            return {}
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            self._set_aside(self._path, error)
            return {}
        entries = found.entries if found.format == _FORMAT else ()
        return {(entry.kind, entry.model, entry.other): entry.sums for entry in entries}

    @staticmethod
    def _set_aside(path: Path, why: Exception) -> None:
        aside = path.with_name(f"{path.name}.corrupt.{time.time_ns() // 1_000_000}")
        log.warning("%s is damaged (%s) and is set aside as %s; models are learned anew", path, why, aside.name)
        with suppress(OSError):  # it is replaced at the next save then
            os.replace(path, aside)


def _encoded(known: dict[Key, _Sums]) -> bytes:
    entries = tuple(_Entry(*key, sums) for key, sums in list(known.items())[-_MOST_ENTRIES:])
    return msgspec.json.encode(_File(entries=entries))
