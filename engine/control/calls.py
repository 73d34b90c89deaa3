"""What can be asked of a running engine, how it answers, and how both cross: msgpack, never pickle."""

import inspect
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from engine import errors
from engine.caching import CacheInfo
from engine.errors import EngineError
from engine.hardware import HardwareSnapshot
from engine.queueing import QueueSnapshot
from engine.requests import Urgency
from engine.types import EngineSnapshot, LoadedModelInfo

T = TypeVar("T")


class Controlled(Protocol):
    """What is asked of an engine; `Engine` has it."""

    def queue(self) -> QueueSnapshot:
        """Describe all requests. Thread: any."""

    def cancel_request(self, request: str) -> bool:
        """End a request; return whether it was there. Thread: any."""

    def move_up(self, request: str) -> bool:
        """Let a request begin next; return whether it was there. Thread: any."""

    def set_urgency(self, request: str, urgency: Urgency, level: int | None = None) -> bool:
        """Change how soon a request is needed; return whether it was there. Thread: any."""

    def set_order(self, policy: str) -> None:
        """Order requests by another policy. Thread: any."""

    def pause_queue(self, paused: bool) -> None:
        """Begin nothing new, or go on. Thread: any."""

    def snapshot(self) -> EngineSnapshot:
        """Describe what the engine does. Thread: any."""

    def hardware(self) -> HardwareSnapshot:
        """Describe the devices. Thread: any."""

    def cache(self) -> CacheInfo:
        """Describe the caches. Thread: any."""

    def pin(self, model: str, pinned: bool) -> object:
        """Let a model stay, or no longer. Thread: the loop's."""

    async def unload(self, model: str) -> bool:
        """Let a model go; return whether it was loaded."""


class Loop(Protocol):
    """Lets the engine's event loop run something, and waits for what comes of it. Thread: any but the loop's."""

    def __call__(self, work: Coroutine[Any, Any, T]) -> T:
        """Run it there; raises what it raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsInMemory:
    """What the models of one engine take.

    Attributes:
        loaded: models in memory.
        memory_bytes: of the machine's memory, all of them together.
        budget_bytes: most that they may take of it.
    """

    loaded: tuple[LoadedModelInfo, ...]
    memory_bytes: int
    budget_bytes: int


class _Call(msgspec.Struct, frozen=True, tag_field="call"):
    """Something to ask. Each is answered on a thread of its own."""


class AskQueue(_Call, frozen=True, tag="queue"):
    """What runs, what waits, what has ended."""

    def answer(self, engine: Controlled, _loop: Loop) -> QueueSnapshot:
        """Ask the engine."""
        return engine.queue()


class AskModels(_Call, frozen=True, tag="models"):
    """What is loaded."""

    def answer(self, engine: Controlled, _loop: Loop) -> ModelsInMemory:
        """Ask the engine."""
        loaded = engine.snapshot().loaded
        taken = sum(model.memory_bytes - model.device_bytes for model in loaded)
        return ModelsInMemory(loaded=loaded, memory_bytes=taken, budget_bytes=engine.hardware().memory_budget_bytes)


class AskCache(_Call, frozen=True, tag="cache"):
    """What its caches hold and have saved."""

    def answer(self, engine: Controlled, _loop: Loop) -> CacheInfo:
        """Ask the engine."""
        return engine.cache()


class CancelRequest(_Call, frozen=True, tag="cancel"):
    """End a request."""

    request: str

    def answer(self, engine: Controlled, _loop: Loop) -> bool:
        """Ask the engine."""
        return engine.cancel_request(self.request)


class MoveUp(_Call, frozen=True, tag="up"):
    """Let a request begin next."""

    request: str

    def answer(self, engine: Controlled, _loop: Loop) -> bool:
        """Ask the engine."""
        return engine.move_up(self.request)


class SetUrgency(_Call, frozen=True, tag="urgency"):
    """Change how soon a request is needed."""

    request: str
    urgency: Urgency
    level: int | None = None

    def answer(self, engine: Controlled, _loop: Loop) -> bool:
        """Ask the engine."""
        return engine.set_urgency(self.request, self.urgency, self.level)


class SetOrder(_Call, frozen=True, tag="order"):
    """Order requests by another policy."""

    policy: str

    def answer(self, engine: Controlled, _loop: Loop) -> None:
        """Tell the engine."""
        engine.set_order(self.policy)


class PauseQueue(_Call, frozen=True, tag="pause"):
    """Begin nothing new, or go on."""

    paused: bool

    def answer(self, engine: Controlled, _loop: Loop) -> None:
        """Tell the engine."""
        engine.pause_queue(self.paused)


class PinModel(_Call, frozen=True, tag="pin"):
    """Let a model stay, or no longer."""

    model: str
    pinned: bool

    def answer(self, engine: Controlled, loop: Loop) -> None:
        """Tell the engine."""

        async def pin() -> None:
            engine.pin(self.model, self.pinned)

        loop(pin())


class UnloadModel(_Call, frozen=True, tag="unload"):
    """Let a model go."""

    model: str

    def answer(self, engine: Controlled, loop: Loop) -> bool:
        """Ask the engine."""
        return loop(engine.unload(self.model))


Call = (
    AskQueue | AskModels | AskCache
    | CancelRequest | MoveUp | SetUrgency | SetOrder | PauseQueue | PinModel | UnloadModel
)  # fmt: skip


class Reply(msgspec.Struct, frozen=True):
    """What comes back.

    Attributes:
        value: the answer, as msgpack.
        error: name of the error's class in `engine.errors`; empty if there was none.
        cause: of the error.
        remedy: of the error.
    """

    value: msgspec.Raw = msgspec.Raw(b"\xc0")
    error: str = ""
    cause: str = ""
    remedy: str = ""


def encoded(value: object) -> bytes:
    """A call, an answer or a reply as it crosses.

    Raises:
        TypeError: it holds something that does not cross.
    """
    return msgspec.msgpack.encode(value, enc_hook=_plain)


def decoded(data: bytes, kind: Any) -> Any:
    """The value of this kind.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return msgspec.msgpack.decode(data, type=kind, dec_hook=_full)


def failed(error: EngineError) -> Reply:
    """The reply that says that something failed."""
    return Reply(error=type(error).__name__, cause=error.cause, remedy=error.remedy)


def error_of(reply: Reply) -> EngineError:
    """The error that a reply carries; of its own class, where cause and remedy are all that one needs."""
    kind = getattr(errors, reply.error, EngineError)
    is_plain = inspect.isclass(kind) and issubclass(kind, EngineError) and kind.__init__ is EngineError.__init__
    make: Callable[[str, str], EngineError] = kind if is_plain else EngineError
    return make(reply.cause, reply.remedy)


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{type(value).__name__} does not cross to another process")


def _full(kind: type, value: Any) -> object:
    if kind is Path:
        return Path(value)
    raise TypeError(f"{kind.__name__} does not cross from another process")
