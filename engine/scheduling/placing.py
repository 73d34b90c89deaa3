"""Placer: collects what the dispatcher must know about this moment, and turns its answer into ways to load a model."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.backends.base import CPU_TARGET, DeviceTarget
from engine.errors import EngineError
from engine.scheduling.asks import Ask
from engine.types import ModelInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A model, and where it is to be loaded if it is not there yet.

    Attributes:
        info: the variant of the model.
        target: where.
        needed_bytes: of the device's own memory.
        reason: why there, in one sentence; empty where there is no choice.
    """

    info: ModelInfo
    target: DeviceTarget = CPU_TARGET
    needed_bytes: int = 0
    reason: str = ""


class Placer:
    """Says where models run.

    Thread: any.
    """

    def ways(self, variants: Sequence[ModelInfo], ask: Ask, avoid: frozenset[str] = frozenset()) -> tuple[Way, ...]:
        """Where a request can run, best first.

        Args:
            variants: files that are the same model in several precisions.
            ask: the request.
            avoid: devices that have just failed it.

        Raises:
            OutOfMemoryError: it fits nowhere.
            DeviceError: the device that the caller wants cannot be used.
        """
        return (Way(info=variants[0]),)

    def note_failure(self, info: ModelInfo, device: str, error: EngineError) -> None:
        """Keep away from a device, or from this model on it, for a while."""
