"""Bounded reader of safetensors files: a list of tensors in JSON, and their bytes. Nothing in them can be run."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelFileError

MAX_HEADER_BYTES: Final = 64 << 20
MAX_TENSORS: Final = 65_536
MAX_DIMS: Final = 8
DTYPES: Final = {"F32": ("<f4", 4), "F16": ("<f2", 2), "BF16": ("<u2", 2)}
"""Kinds of numbers that are read -> how numpy sees them (BF16 as its bits), and their bytes."""

_GET_AGAIN: Final = "Get the model again."


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor of a safetensors file.

    Attributes:
        name: as its author called it.
        file: that holds it.
        dtype: a key of `DTYPES`.
        shape: rows first.
        offset: of its bytes in the file.
    """

    name: str
    file: Path
    dtype: str
    shape: tuple[int, ...]
    offset: int

    def bits(self) -> NDArray[Any]:
        """Its numbers, mapped from the file: float32, float16, or the upper halves of float32 as uint16."""
        return np.memmap(self.file, DTYPES[self.dtype][0], "r", self.offset, self.shape)


def read_tensors(file: Path) -> tuple[StoredTensor, ...]:
    """List the tensors of a file.

    Raises:
        ModelFileError: it is damaged, or holds numbers of another kind.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= min(size - 8, MAX_HEADER_BYTES):
                raise _damaged(file, "it does not begin with a list of its tensors")
            entries = json.loads(stream.read(length).decode())
    except OSError as error:
        raise ModelFileError(f"{file} cannot be read: {error.strerror}.", "Check its permissions.") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(file, "its list of tensors is not JSON") from error
    if not isinstance(entries, dict) or len(entries) > MAX_TENSORS:
        raise _damaged(file, "its list of tensors makes no sense")
    entries.pop("__metadata__", None)
    return tuple(_tensor(file, name, entry, 8 + length, size) for name, entry in entries.items())


def _tensor(file: Path, name: str, entry: Any, start: int, size: int) -> StoredTensor:
    try:
        dtype, shape, (begin, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
        is_sound = all(type(it) is int and it >= 0 for it in (*shape, begin, end)) and len(shape) <= MAX_DIMS
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(file, f"what it says of tensor {name[:80]!r} makes no sense") from error
    if not is_sound or not isinstance(dtype, str):
        raise _damaged(file, f"what it says of tensor {name[:80]!r} makes no sense")
    if dtype not in DTYPES:
        raise ModelFileError(
            f"Tensor {name[:80]} of {file.name} is in {dtype[:20]}, which Hearth does not convert.",
            "Get the model in BF16, F16 or F32.",
        )
    if end - begin != math.prod(shape) * DTYPES[dtype][1] or start + end > size:
        raise _damaged(file, f"tensor {name[:80]!r} is not where it should be")
    return StoredTensor(name, file, dtype, shape, start + begin)


def _damaged(file: Path, what: str) -> ModelFileError:
    return ModelFileError(f"The file {file.name} is damaged: {what}.", _GET_AGAIN)
