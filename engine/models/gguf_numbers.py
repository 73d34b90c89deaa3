"""Checks of a GGUF file's numbers and tensors that llama.cpp lacks: where it aborts the process instead of refusing.

All were found by damaging files (tests/engine/gates/fuzz). There will be more; hence the trial of each unknown file.
"""

import math
from typing import Final

from engine.errors import ModelFileError
from engine.models.gguf import DOWNLOAD_AGAIN, GgufHeader

MAX_LAYERS: Final = 512
MAX_HEADS: Final = 65_536
MAX_POOLING: Final = 4

_RANGES: Final = {
    "{arch}.block_count": (1, MAX_LAYERS),
    "{arch}.attention.head_count": (0, MAX_HEADS),
    "{arch}.pooling_type": (0, MAX_POOLING),
}
_NOT_FOR_WEIGHTS: Final = frozenset({"F64", "I8", "I16", "I64", "Q8_1", "Q8_K"})
"""Types that ggml has for other purposes, and cannot multiply by."""
_ROWS: Final = frozenset({"F32", "I32"})
"""Types of tensors that are a single row: they are added and multiplied element by element, in this precision only."""


def check_numbers(header: GgufHeader) -> None:
    """Check the shape of a model and the types of its tensors.

    Raises:
        ModelFileError: llama.cpp could not take them; says which.
    """
    for key, (least, most) in _RANGES.items():
        value = header.number(key)
        if value is not None and not least <= value <= most:
            name = key.replace("{arch}", header.architecture)
            raise _damaged(header, "shape", f"{name} is {value:,}, not {least:,} to {most:,}")
    _check_fractions(header)
    count, used = header.number("{arch}.expert_count") or 0, header.number("{arch}.expert_used_count") or 0
    if used > count or (count and not used):
        raise _damaged(header, "shape", f"it uses {used:,} of {count:,} experts")
    for tensor in header.tensors:
        name = tensor.type.name
        if name in _NOT_FOR_WEIGHTS or (len(tensor.dims) == 1 and name not in _ROWS):
            raise _damaged(header, "tensor-types", f"tensor {tensor.name} is {name}, which no weights are")


def _check_fractions(header: GgufHeader) -> None:
    prefix = f"{header.architecture}."
    for key, value in header.metadata.items():
        if not isinstance(value, float) or not key.startswith(prefix):
            continue
        if not math.isfinite(value) or (key.endswith("epsilon") and value < 0):
            raise _damaged(header, "shape", f"{key} is {value}")


def _damaged(header: GgufHeader, rule: str, what: str) -> ModelFileError:
    return ModelFileError(f"The file {header.path.name} is damaged: {what}.", DOWNLOAD_AGAIN, rule)
