"""QueueDoor: the part of the engine's door that leads to the queue: what runs, what waits, and how to change that."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from engine.queueing import QueueSnapshot
from engine.requests import Urgency
from engine.types import ModelInfo

if TYPE_CHECKING:
    from engine.memory.residency import Residency
    from engine.scheduling.queue_control import QueueControl


class QueueDoor(ABC):
    """What the queue adds to the door; `Engine` is one. Thread: any."""

    @abstractmethod
    def _queue_control(self) -> "QueueControl":
        """The queue; raises `EngineClosedError` while the engine is closed."""

    @abstractmethod
    def _residency(self) -> "Residency":
        """The models in memory; raises `EngineClosedError` while the engine is closed."""

    @abstractmethod
    def model(self, name: str) -> ModelInfo:
        """Find a model by id or path."""

    def pin(self, model: str, pinned: bool = True) -> None:
        """Keep a model in memory from when it is loaded, until it is unpinned or unloaded.

        Raises:
            ModelNotFoundError: there is none of that name.
            EngineClosedError: it is not open.
        """
        self._residency().pin(self.model(model), pinned)

    def queue(self) -> QueueSnapshot:
        """Describe all requests: what runs, what waits and why, what has ended; cheap enough for some times a second.

        Raises:
            EngineClosedError: it is not open.
        """
        return self._queue_control().snapshot()

    def cancel_request(self, request: str) -> bool:
        """End a request with `RequestCancelledError`; return whether it was there.

        Args:
            request: its id, as in `QueuedRequest`.

        Raises:
            EngineClosedError: it is not open.
        """
        return self._queue_control().cancel(request)

    def move_up(self, request: str) -> bool:
        """Let a request begin next on its lane, before all that wait now; return whether it was there.

        Raises:
            EngineClosedError: it is not open.
        """
        return self._queue_control().move_up(request)

    def set_urgency(self, request: str, urgency: Urgency, level: int | None = None) -> bool:
        """Change how soon a request is needed; return whether it was there.

        Args:
            request: its id.
            urgency: from now on.
            level: the user's own weight, 0 (last) to 4 (first); None leaves it.

        Raises:
            InvalidRequestError: the level is out of range.
            EngineClosedError: it is not open.
        """
        return self._queue_control().set_urgency(request, urgency, level)

    def set_order(self, policy: str) -> None:
        """Order requests by this policy from now on, until the engine closes.

        Raises:
            InvalidRequestError: there is no such policy.
            EngineClosedError: it is not open.
        """
        self._queue_control().set_order(policy)

    def pause_queue(self, paused: bool) -> None:
        """Begin nothing new until this is called with False; what runs goes on.

        Raises:
            EngineClosedError: it is not open.
        """
        self._queue_control().pause(paused)
