"""What runs next: the interface that a lane asks, and its first-in-first-out answer."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Protocol

from engine.backends.base import LoadedModel
from engine.scheduling.job import Job

TOLD_POSITIONS = 16
"""Callers further back than this hear of their position once, when they arrive."""


@dataclass(slots=True, eq=False)
class ModelWork:
    """The jobs of one model.

    Attributes:
        model: which one.
        waiting: not yet started, in the order in which they should be.
        running: started; a running job gets steps until it ends.
    """

    model: LoadedModel
    waiting: deque[Job] = field(default_factory=deque)
    running: list[Job] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return not self.waiting and not self.running


class WorkQueue(Protocol):
    """Orders the work of one lane. Not thread-safe: it belongs to the lane."""

    @property
    def waiting(self) -> int:
        """Jobs not yet started."""

    @property
    def running(self) -> int:
        """Jobs started and not ended."""

    def add(self, job: Job) -> None:
        """Add a job that waits."""

    def pick(self) -> ModelWork | None:
        """Choose the model that gets the next step; None if there is no work."""

    def prune(self) -> list[Job]:
        """Take out the cancelled jobs and return them."""

    def drop(self, model: LoadedModel) -> list[Job]:
        """Take out all jobs of a model and return them."""

    def models(self) -> list[ModelWork]:
        """The models that have work."""

    def tell_positions(self) -> None:
        """Tell the first waiting jobs where they stand."""


class FifoQueue:
    """First in, first out; models that have work take turns by step, so that all their answers flow."""

    def __init__(self) -> None:
        self._work: OrderedDict[int, ModelWork] = OrderedDict()

    @property
    def waiting(self) -> int:
        """Jobs not yet started."""
        return sum(len(work.waiting) for work in self._work.values())

    @property
    def running(self) -> int:
        """Jobs started and not ended."""
        return sum(len(work.running) for work in self._work.values())

    def add(self, job: Job) -> None:
        """Add a job at the end."""
        work = self._work.get(id(job.model))
        if work is None:
            work = self._work[id(job.model)] = ModelWork(job.model)
        work.waiting.append(job)

    def pick(self) -> ModelWork | None:
        """Choose the model that has waited longest for a step."""
        for key, work in list(self._work.items()):
            if work.is_empty:
                del self._work[key]
                continue
            self._work.move_to_end(key)
            return work
        return None

    def prune(self) -> list[Job]:
        """Take out the cancelled jobs and return them."""
        gone: list[Job] = []
        for work in self._work.values():
            if any(job.is_cancelled for job in work.running):
                gone += [job for job in work.running if job.is_cancelled]
                work.running = [job for job in work.running if not job.is_cancelled]
            if any(job.is_cancelled for job in work.waiting):
                gone += [job for job in work.waiting if job.is_cancelled]
                work.waiting = deque(job for job in work.waiting if not job.is_cancelled)
        return gone

    def drop(self, model: LoadedModel) -> list[Job]:
        """Take out all jobs of a model and return them."""
        work = self._work.pop(id(model), None)
        return [] if work is None else [*work.running, *work.waiting]

    def models(self) -> list[ModelWork]:
        """The models that have work."""
        return [work for work in self._work.values() if not work.is_empty]

    def tell_positions(self) -> None:
        """Tell the first waiting jobs of each model where they stand in the order of arrival."""
        waiting = sorted(
            (job for work in self._work.values() for job in work.waiting), key=lambda job: job.clock.arrived_s
        )
        for position, job in enumerate(waiting[:TOLD_POSITIONS], start=1):
            job.tell_position(position)
