"""ThreadTrials: finds out by trying which of two thread counts is faster while other programs are busy.

Why: what a busy program costs cannot be told from its load alone. Beside one busy process per core, two threads may be
as fast as one (the system runs both at once) or many times slower (one waits for the other at every barrier), and that
depends on the system's scheduler, on the other programs and on the model.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

TRIAL_S = 0.3
"""Shortest trial of one count; long enough for a few time slices of the system's scheduler."""

TRIAL_STEPS = 3
"""Fewest steps of a trial; the first after a change is not counted, because the threads have to be started."""

HOLD_S = 5.0
"""How long the winner stays before both are tried again. A guess: long against a trial, short for a person."""

WORTH = 1.1
"""How much faster more threads must be to win: fewer leave more to the others."""

HOPELESS = 1.5
"""A trial ends early when its steps take this much longer than the other count's."""


@dataclass(slots=True)
class _Trial:
    """Steps taken with one count."""

    threads: int
    began_s: float
    steps: int = -1  # the first one is not counted
    spent_s: float = 0.0

    @property
    def step_s(self) -> float:
        return self.spent_s / self.steps


@dataclass(slots=True)
class ThreadTrials:
    """Tries the smaller count, then the larger one, keeps the faster for a while, and begins again.

    Attributes:
        clock: monotonic, in seconds.

    Thread: one lane.
    """

    clock: Callable[[], float]
    _counts: tuple[int, int] = (0, 0)
    _work: object = None
    _trial: _Trial | None = None
    _few_step_s: float | None = field(default=None)
    _winner: int | None = None
    _held_until_s: float = 0.0

    def pick(self, few: int, many: int) -> int:
        """Return the count to use for the next step."""
        if (few, many) != self._counts:
            self._counts = (few, many)
            self._begin()
        if self._winner is not None:
            if self.clock() < self._held_until_s:
                return self._winner
            self._begin()
        assert self._trial is not None
        return self._trial.threads

    def note(self, work: object, duration_s: float) -> None:
        """Take account of a step.

        Args:
            work: what it worked on; only steps of equal work are compared.
            duration_s: how long it took.
        """
        trial = self._trial
        if trial is None:
            return
        if work != self._work:
            self._work = work
            self._begin()
            return
        trial.steps += 1
        if trial.steps < 1:
            return
        trial.spent_s += duration_s
        if self._is_over(trial):
            self._end(trial)

    def _begin(self) -> None:
        self._winner = self._few_step_s = None
        self._trial = _Trial(self._counts[0], self.clock())

    def _is_over(self, trial: _Trial) -> bool:
        if self._few_step_s is not None and trial.steps > 1 and trial.step_s > HOPELESS * self._few_step_s:
            return True
        return trial.steps >= TRIAL_STEPS and self.clock() - trial.began_s >= TRIAL_S

    def _end(self, trial: _Trial) -> None:
        few, many = self._counts
        if self._few_step_s is None:
            self._few_step_s = trial.step_s
            self._trial = _Trial(many, self.clock())
            return
        self._winner = many if trial.step_s * WORTH < self._few_step_s else few
        self._held_until_s = self.clock() + HOLD_S
        self._trial = None
