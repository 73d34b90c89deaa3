"""ImageGate: lets images through to the lane, as many at once as memory allows, those asked for together as a batch."""

import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

from engine.scheduling.jobs import RecognizeJob

MOST_PREPARED: Final = 24
"""Images that may be prepared, waiting for the lane or on it; a prepared one can take 5 MB and more."""


@dataclass(slots=True)
class _Group:
    """Images that can run together: how many are being prepared, and those that are."""

    expected: int = 0
    jobs: list[RecognizeJob] = field(default_factory=list)


class ImageGate:
    """Holds images back: before they are prepared while too many are, and then until their batch is complete.

    A batch is complete when it is as large as the model takes, or when no other image of its group is being prepared.
    Every image is announced with `expect`, and then either `add`ed or `give_up`.

    Thread: any.
    """

    def __init__(self, submit: Callable[[RecognizeJob], None]) -> None:
        """Take what brings a job to its lane."""
        self._submit = submit
        self._lock = threading.Lock()
        self._groups: dict[Hashable, _Group] = {}  # guarded by _lock
        self._inside = 0  # guarded by _lock
        self._parked: deque[tuple[Hashable, Future[Any], Callable[[], None]]] = deque()  # guarded by _lock

    def expect(self, group: Hashable) -> None:
        """Announce an image that was asked for."""
        with self._lock:
            self._groups.setdefault(group, _Group()).expected += 1

    def enter(self, group: Hashable, future: "Future[Any]", go: Callable[[], None]) -> None:
        """Call `go`, which prepares an image: at once, or when there is room; `future` says when it has left."""
        with self._lock:
            has_room = self._inside < MOST_PREPARED
            if has_room:
                self._inside += 1
            else:
                self._parked.append((group, future, go))
        if has_room:
            future.add_done_callback(self._leave)
            go()
        else:
            self.give_up(group)  # the others need not wait for it

    def add(self, group: Hashable, job: RecognizeJob) -> None:
        """Take a prepared image."""
        self._one_less(group, job)

    def give_up(self, group: Hashable) -> None:
        """Note that an image will not come."""
        self._one_less(group, None)

    def _one_less(self, group: Hashable, job: RecognizeJob | None) -> None:
        with self._lock:
            waiting = self._groups[group]
            waiting.expected -= 1
            if job is not None:
                waiting.jobs.append(job)
            is_full = bool(waiting.jobs) and len(waiting.jobs) >= waiting.jobs[0].model.max_batch
            ready: list[RecognizeJob] = []
            if is_full or not waiting.expected:
                ready, waiting.jobs = waiting.jobs, []
            if not waiting.expected:
                del self._groups[group]
        for image in ready:
            self._submit(image)

    def _leave(self, _: "Future[Any]") -> None:
        with self._lock:
            while self._parked and self._parked[0][1].done():
                self._parked.popleft()  # cancelled meanwhile; nobody expects it any more
            if not self._parked:
                self._inside -= 1
                return
            group, future, go = self._parked.popleft()
            self._groups.setdefault(group, _Group()).expected += 1
        future.add_done_callback(self._leave)
        go()
