"""How much memory ONNX Runtime takes for a graph while it opens it and while it runs, guessed from the file.

Measured with graphs of random weights on the processor, from a baseline with the library loaded. The most is taken
while the graph is opened: convolutions are copied into another order before the originals go, so their weights are
there two and a half times. Those of products are packed one by one. Of blocks smaller than what the allocator surely
gives back to the system, more or less stays taken, differently from run to run: the same graph took 182 to 240 MB.
While it runs, some four tensors as large as the largest one are held.

Not counted: a graph that opens within a tenth of a second is opened again to change its threads, and is there twice for
that moment (`session.py`).
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.backends.onnx.estimating import largest_tensor
from engine.backends.onnx.graph_outline import read_outline

_CONVOLUTIONS: Final = frozenset({"Conv", "FusedConv", "ConvTranspose"})
_CONVOLUTION_COPIES: Final = 1.6  # 1.47 to 1.6 were measured
_SMALL_CONVOLUTION_COPIES: Final = 2.0  # 1.5 to 2.5 were measured
_SMALL_COPIES: Final = 0.65
_GIVEN_BACK_BYTES: Final = 32 << 20  # glibc maps larger blocks by themselves
_TENSORS: Final = 4.4  # 3.4 to 4.3 were measured
_VALUE_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class GraphMemory:
    """What a graph takes beside its weights.

    Attributes:
        copies_bytes: copies of weights, at the moment when there are most.
        run_bytes: tensors of a run.
    """

    copies_bytes: int
    run_bytes: int


def graph_memory(path: Path, size_bytes: int) -> GraphMemory:
    """Guess what a graph takes.

    Args:
        path: of its file.
        size_bytes: of all weights.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it is not ONNX, damaged, or larger than any graph should be.
    """
    outline = read_outline(path)
    elements = {name: math.prod(shape) for name, shape in outline.weights.items()}
    per_element = size_bytes / max(1, sum(elements.values()))
    folded = {name for node in outline.nodes if node.kind in _CONVOLUTIONS for name in node.inputs}
    copies = largest = 0.0
    for name, count in elements.items():
        size = count * per_element
        if name in folded:
            copies += size * (_SMALL_CONVOLUTION_COPIES if size < _GIVEN_BACK_BYTES else _CONVOLUTION_COPIES)
        elif size < _GIVEN_BACK_BYTES:
            copies += _SMALL_COPIES * size
        else:
            largest = max(largest, size)
    run_bytes = _TENSORS * _VALUE_BYTES * largest_tensor(outline)
    return GraphMemory(copies_bytes=int(copies + largest), run_bytes=int(run_bytes))
