"""What a trial may take, by the size of the model."""

from dataclasses import dataclass
from typing import Final

TRIAL_S: Final = 30.0
BYTES_PER_S: Final = 50 << 20
"""Slowest disk that is waited for."""
_GIB: Final = 1 << 30
_GRAPH_COPIES: Final = 4
"""The check takes a graph apart beside the file, ONNX Runtime once more, and it packs weights anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialLimits:
    """What the process of a trial may take before it is ended.

    Attributes:
        seconds: from the moment when it begins to read the file.
        start_s: before that, for loading the libraries.
        memory_bytes: of memory, the mapping of the file included.
    """

    seconds: float = TRIAL_S
    start_s: float = 60.0
    memory_bytes: int = 2 * _GIB


def needed_bytes(size: int, *, is_graph: bool) -> int:
    """Memory that has to be free for trying all of a model; a mapped file needs no more than it has."""
    return 2 * size if is_graph else size


def limits_for(size: int, *, is_graph: bool) -> TrialLimits:
    """The limits for a model of so many bytes."""
    copies = _GRAPH_COPIES if is_graph else 1
    return TrialLimits(seconds=TRIAL_S + size / BYTES_PER_S, memory_bytes=copies * size + 2 * _GIB)
