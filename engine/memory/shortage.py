"""Where there is no room for a model, and how that is said."""

from dataclasses import dataclass
from typing import Final

from engine.devices.room import gigabytes
from engine.errors import OutOfMemoryError
from engine.types import ModelInfo

MACHINE: Final = "cpu"
"""The machine's own memory; every other memory has the id of its device."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """A memory in which there is no room.

    Attributes:
        memory: which one.
        needed_bytes: of it.
        most_bytes: that there would be if all idle models left.
    """

    memory: str
    needed_bytes: int
    most_bytes: int


def too_large(info: ModelInfo, shortage: Shortage, limit_bytes: int | None) -> OutOfMemoryError:
    """The error of a model that does not fit.

    Args:
        info: which one.
        shortage: where, and how much.
        limit_bytes: budget of the machine's memory; None if there is none.
    """
    need, most = gigabytes(shortage.needed_bytes), gigabytes(max(0, shortage.most_bytes))
    if shortage.memory != MACHINE:
        return OutOfMemoryError(
            f"{info.id} needs {need} of {shortage.memory}'s memory, but {most} is free.",
            "Unload other models there, or put fewer of its layers there.",
        )
    if limit_bytes is None:
        return OutOfMemoryError(
            f"{info.id} needs about {need} of memory, but {most} is free.",
            "Close other programs, or choose a smaller model or a stronger quantization.",
        )
    return OutOfMemoryError(
        f"{info.id} needs about {need} of memory, but {most} is free within the budget of {gigabytes(limit_bytes)}.",
        "Allow models more memory, or choose a smaller model or a stronger quantization.",
    )
