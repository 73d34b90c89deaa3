"""Way: a model, and where it is to be loaded if it is not there yet."""

from dataclasses import dataclass

from engine.backends.base import CPU_TARGET, DeviceTarget
from engine.types import ModelInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A model, and where it is to be loaded if it is not there yet.

    Attributes:
        info: the variant of the model.
        target: where.
        needed_bytes: of the device's own memory.
        reason: why there, in one sentence; empty where there is no choice.
        instead_of: device that was wanted and cannot be used; empty for none.
        notice: why it cannot, in one sentence.
    """

    info: ModelInfo
    target: DeviceTarget = CPU_TARGET
    needed_bytes: int = 0
    reason: str = ""
    instead_of: str = ""
    notice: str = ""
