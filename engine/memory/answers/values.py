"""Values of answers: results as msgpack, never pickled, and what is kept with them."""

import time
from typing import Any, Final, TypeVar

import msgspec
import numpy as np

from engine.types import FloatArray, GenerateResult, Placement, RecognizeResult, Timings

R = TypeVar("R", bound="Kept")

_TYPES: Final = {"|u1": np.uint8, "<f4": np.float32}


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """What is kept with every answer.

    Attributes:
        stored_at: when it was computed, in seconds since 1970.
        saved_s: seconds that computing it took.
    """

    stored_at: float
    saved_s: float


class KeptText(Kept, frozen=True, array_like=True):
    """An answer."""

    result: GenerateResult


class KeptImage(Kept, frozen=True, array_like=True):
    """What was seen in an image."""

    result: RecognizeResult


class KeptVector(Kept, frozen=True, array_like=True):
    """The vector of one text.

    Attributes:
        vector: float32.
        tokens: of the text; its share by length where it was read together with others.
        timings: of the request that computed it.
        placement: of that request.
    """

    vector: FloatArray
    tokens: int
    timings: Timings
    placement: Placement


def kept_text(result: GenerateResult) -> KeptText:
    """What is kept of an answer, now that it has been computed."""
    return KeptText(time.time(), result.timings.total_s, result)


def kept_image(result: RecognizeResult) -> KeptImage:
    """What is kept of what was seen in an image, now that it has been computed."""
    return KeptImage(time.time(), result.timings.total_s, result)


def encode(kept: Kept) -> bytes:
    """As it is stored.

    Raises:
        TypeError, ValueError: it holds something that cannot be stored.
    """
    return msgspec.msgpack.encode(kept, enc_hook=_plain)


def decode(value: bytes, kind: type[R]) -> R | None:
    """What was stored; None if that is something else."""
    try:
        return msgspec.msgpack.decode(value, type=kind, dec_hook=_full)
    except (msgspec.MsgspecError, TypeError, ValueError):
        return None


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        if value.dtype.str not in _TYPES:
            raise TypeError(f"arrays of {value.dtype} are not stored")
        return [value.dtype.str, list(value.shape), np.ascontiguousarray(value).data.cast("B")]
    if isinstance(value, np.generic):
        return value.item()
    return dict(value)  # type: ignore[call-overload] # a mapping of another kind, or TypeError


def _full(_kind: type, value: Any) -> object:
    """An array. It is a copy, which can be written to like one that was computed."""
    dtype, shape, data = value
    if dtype not in _TYPES:
        raise ValueError(f"arrays of {dtype} are not stored")
    return np.frombuffer(data, _TYPES[dtype]).reshape(shape).copy()
