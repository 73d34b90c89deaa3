"""Client of the engines that run: finds them, asks them."""

from pathlib import Path
from typing import Any, Final

import msgspec

from engine.caching import CacheInfo
from engine.control import run_files
from engine.control.calls import (
    AskCache,
    AskModels,
    AskQueue,
    Call,
    CancelRequest,
    ModelsInMemory,
    MoveUp,
    PauseQueue,
    PinModel,
    Reply,
    SetOrder,
    SetUrgency,
    UnloadModel,
    decoded,
    encoded,
    error_of,
)
from engine.errors import EngineClosedError, EngineError
from engine.queueing import QueueSnapshot
from engine.requests import Urgency

TIMEOUT_S: Final = 5.0
"""Longest that a running Hearth may take to answer what it knows at once."""
WORK_TIMEOUT_S: Final = 40.0
"""The same, where it has to do something first: let a model go."""
_LARGEST_REPLY_BYTES: Final = 64 << 20


def running_engines(home: Path, timeout_s: float = TIMEOUT_S) -> tuple["RunningEngine", ...]:
    """The engines that run with this data folder, newest first; some may turn out to have ended."""
    return tuple(RunningEngine(path, content, timeout_s) for path, content in run_files.read_all(home))


class RunningEngine:
    """An engine in another process. Every method asks it, over a connection of its own.

    Each raises:
        EngineClosedError: it runs no longer.
        EngineError: what the engine itself raised; or it does not answer.

    Thread: any.

    Attributes:
        process: id of its process.
        title: what it is, such as `window`.
        started_at: Unix time.
    """

    def __init__(self, path: Path, content: run_files.RunFile, timeout_s: float = TIMEOUT_S) -> None:
        """Make a client; use `running_engines`."""
        self._path = path
        self._content = content
        self._timeout_s = timeout_s
        self.process = content.process
        self.title = content.title
        self.started_at = content.started_at

    def queue(self) -> QueueSnapshot:
        """Describe all requests."""
        snapshot: QueueSnapshot = self._ask(AskQueue(), QueueSnapshot)
        return snapshot

    def models(self) -> ModelsInMemory:
        """Describe what is loaded."""
        found: ModelsInMemory = self._ask(AskModels(), ModelsInMemory)
        return found

    def cache(self) -> CacheInfo:
        """Describe the caches."""
        info: CacheInfo = self._ask(AskCache(), CacheInfo)
        return info

    def cancel(self, request: str) -> bool:
        """End a request; return whether it was there."""
        return bool(self._ask(CancelRequest(request), bool))

    def move_up(self, request: str) -> bool:
        """Let a request begin next on its lane; return whether it was there."""
        return bool(self._ask(MoveUp(request), bool))

    def set_urgency(self, request: str, urgency: Urgency, level: int | None = None) -> bool:
        """Change how soon a request is needed, and its level, 0 to 4; return whether it was there."""
        return bool(self._ask(SetUrgency(request, urgency, level), bool))

    def set_order(self, policy: str) -> None:
        """Order requests by this policy from now on."""
        self._ask(SetOrder(policy), None)

    def pause(self, paused: bool) -> None:
        """Begin nothing new until this is called with False."""
        self._ask(PauseQueue(paused), None)

    def pin(self, model: str, pinned: bool) -> None:
        """Let a model stay in memory, or no longer."""
        self._ask(PinModel(model, pinned), None, WORK_TIMEOUT_S)

    def unload(self, model: str) -> bool:
        """Let a model go; return whether it was loaded."""
        return bool(self._ask(UnloadModel(model), bool, WORK_TIMEOUT_S))

    def _ask(self, call: Call, kind: Any, timeout_s: float | None = None) -> Any:
        try:
            data = self._exchange(encoded(call), self._timeout_s if timeout_s is None else timeout_s)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            run_files.remove(self._path, self._content)
            raise self._gone() from error
        except (OSError, EOFError) as error:
            if not self._path.exists():
                raise self._gone() from error
            raise EngineError(f"{self} does not answer.", "Wait until it is less busy, or end it.") from error
        try:
            reply: Reply = decoded(data, Reply)
            if reply.error:
                raise error_of(reply)
            return decoded(bytes(reply.value), kind)
        except msgspec.DecodeError as error:
            raise EngineError(f"{self} is of another version.", "Use its window, or start it anew.") from error

    def _exchange(self, call: bytes, timeout_s: float) -> bytes:
        from engine.control.channel import connect, introduce

        with connect(self._content.address, self._timeout_s) as connection:
            introduce(connection, bytes.fromhex(self._content.key))
            connection.send_bytes(call)
            if not connection.poll(timeout_s):
                raise TimeoutError(f"no answer within {timeout_s:g} s")
            return connection.recv_bytes(_LARGEST_REPLY_BYTES)

    def _gone(self) -> EngineClosedError:
        return EngineClosedError(f"{self} has ended.")

    def __str__(self) -> str:
        return f"Hearth {self.process} ({self.title})"
