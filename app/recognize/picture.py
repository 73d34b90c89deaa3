"""Picture: one image of the batch, and what is known about it."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from PySide6.QtGui import QImage

from engine.types import RecognizeResult


class State(Enum):
    """How far a picture is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(slots=True, eq=False)
class Picture:
    """One image; owned by `BatchModel`, changed only through it.

    Attributes:
        name: file name, or "Pasted picture 2".
        source: where the engine reads it: a path, or encoded bytes.
        state: how far it is.
        thumbnail: small image for the strip; null until it is decoded, or when Qt cannot decode it.
        result: what the engine said; None before.
        model_id: which model said it.
        cause: why it failed, in a few words for the strip.
        error: why it failed and what to do, in full.
    """

    name: str
    source: Path | bytes
    state: State = State.WAITING
    thumbnail: QImage | None = None
    result: RecognizeResult | None = None
    model_id: str = ""
    cause: str = ""
    error: str = ""

    @property
    def summary(self) -> str:
        """A few words about its state, for the strip."""
        if self.state is State.DONE and self.result is not None:
            return _count(self.result)
        return {
            State.WAITING: "Waiting",
            State.RUNNING: "Looking",
            State.STOPPED: "Stopped",
            State.FAILED: self.cause,
            State.DONE: "",
        }[self.state]


def _count(result: RecognizeResult) -> str:
    output = result.output
    if output.lines is not None:
        count = len(output.lines)
        return f"{count or 'No'} line{'' if count == 1 else 's'}"
    if output.detections is not None:
        count = len(output.detections)
        return output.detections[0].name if count == 1 else f"{count or 'No'} things"
    if output.mask is not None:
        return "Areas"
    if output.labels is not None:
        return output.labels[0].name if output.labels else "No label"
    return f"{0 if output.features is None else output.features.size} values"
