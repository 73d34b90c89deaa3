"""Where there is no room for a model, and how that is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.devices.room import gigabytes
from engine.errors import OutOfMemoryError
from engine.types import ModelInfo

MACHINE: Final = "cpu"
"""The machine's own memory; every other memory has the id of its device."""

_SAID: Final = 2


@dataclass(frozen=True, slots=True)
class Shortage:
    """A memory in which there is no room.

    Attributes:
        memory: which one.
        needed_bytes: of it.
        most_bytes: that there would be if all idle models left.
        is_own: whether that is what a person lets this model take.
    """

    memory: str
    needed_bytes: int
    most_bytes: int
    is_own: bool = False


def shortfall(name: str, needed_bytes: int, most_bytes: int, limit_bytes: int | None) -> str:
    """Say that the machine's memory is not enough for a model.

    Args:
        name: of the model.
        needed_bytes: by it.
        most_bytes: that it could have.
        limit_bytes: budget of all models; None if there is none.
    """
    within = "" if limit_bytes is None else f" within the budget of {gigabytes(limit_bytes)}"
    return (
        f"{name} needs about {gigabytes(needed_bytes)} of memory, but {gigabytes(max(0, most_bytes))} is free{within}."
    )


def too_large(
    info: ModelInfo, shortage: Shortage, limit_bytes: int | None, remedies: Sequence[str] = ()
) -> OutOfMemoryError:
    """The error of a model that does not fit.

    Args:
        info: which one.
        shortage: where, and how much.
        limit_bytes: budget of the machine's memory; None if there is none.
        remedies: what would make it fit, the best first.
    """
    need, most = shortage.needed_bytes, max(0, shortage.most_bytes)
    if shortage.is_own:
        return OutOfMemoryError(
            f"{info.id} needs at least {gigabytes(need)} of memory, but its own setting allows {gigabytes(most)}.",
            "Allow it more, or take that setting back.",
        )
    if shortage.memory != MACHINE:
        return OutOfMemoryError(
            f"{info.id} needs {gigabytes(need)} of {shortage.memory}'s memory, but {gigabytes(most)} is free.",
            "Unload other models there, or put fewer of its layers there.",
        )
    usual = "Close other programs" if limit_bytes is None else "Allow models more memory"
    remedy = " Or: ".join(remedies[:_SAID]) or f"{usual}, or choose a smaller model or a stronger quantization."
    return OutOfMemoryError(shortfall(info.id, need, most, limit_bytes), remedy)
