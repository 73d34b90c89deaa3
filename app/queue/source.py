"""QueueSource: what the page needs of an engine."""

from typing import Protocol

from engine.queueing import QueueSnapshot
from engine.requests import Urgency


class QueueSource(Protocol):
    """The queue of an engine. Errors are `EngineError`s with cause and remedy. Thread: any."""

    def queue(self) -> QueueSnapshot:
        """Everything as it is now; cheap enough for some times a second, while the engine is open."""

    def cancel_request(self, request: str) -> bool:
        """End a request; return whether it was there."""

    def move_up(self, request: str) -> bool:
        """Let a request begin next on its lane; return whether it was there."""

    def set_urgency(self, request: str, urgency: Urgency, level: int | None = None) -> bool:
        """Change how soon a request is needed; return whether it was there."""

    def set_order(self, policy: str) -> None:
        """Order requests by this policy from now on."""

    def pause_queue(self, paused: bool) -> None:
        """Begin nothing new until this is called with False."""
