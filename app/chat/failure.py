"""Failure: what went wrong, in the words and with the button of a banner."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Literal

from app.chat.store import StoreError
from engine.errors import ContextOverflowError, EngineError, ModelNotFoundError, OutOfMemoryError


class Remedy(Enum):
    """What the banner's button does; the value is what it says."""

    NONE = ""
    AGAIN = "Try again"
    DROP_OLDEST = "Drop the oldest turns"
    CHOOSE_MODEL = "Choose a model"
    LOOK_AGAIN = "Look again"
    SET_MEMORY = "Set the memory"


@dataclass(frozen=True, slots=True)
class Failure:
    """One message for the person."""

    kind: Literal["bad", "warn", "info"]
    cause: str
    remedy: str
    button: Remedy = Remedy.NONE
    other: Remedy = Remedy.NONE


def failure_of(error: EngineError | StoreError) -> Failure:
    """Say an error and offer what helps."""
    if isinstance(error, StoreError):
        return Failure("warn", error.cause, error.remedy)
    if isinstance(error, ContextOverflowError):
        remedy = "Drop the oldest turns, begin a new chat, or choose a model with a larger context."
        return Failure("warn", error.cause, remedy, Remedy.DROP_OLDEST)
    if isinstance(error, OutOfMemoryError):
        return Failure("bad", error.cause, error.remedy, Remedy.AGAIN, Remedy.SET_MEMORY)
    button = Remedy.CHOOSE_MODEL if isinstance(error, ModelNotFoundError) else Remedy.AGAIN
    return Failure("bad", error.cause, error.remedy, button)


def no_model(folder: Path) -> Failure:
    """Say that there is nothing to ask, and where models are looked for."""
    return Failure("warn", "There is no model that can answer.", f"Put a GGUF file into {folder}.", Remedy.LOOK_AGAIN)
