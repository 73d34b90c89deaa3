"""The shape of a model of which only a few numbers are known, for a verdict before anything was fetched."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.models.ggml import TENSOR_TYPES
from engine.models.page_plan import Span, WeightLayout
from engine.models.shape import Matrices, ModelShape

_VALUE_BYTES: Final = 2  # of the KV cache, F16
_BITS: Final[Mapping[str, float]] = {
    kind.name.lower(): 8 * kind.block_bytes / kind.block_elements for kind in TENSOR_TYPES.values()
}

_MIXED: Final = 1.08  # mixtures give some matrices more bits than their name says


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What describes a model's inside, as its author states it.

    Attributes:
        parameters: number of weights.
        layers: how many.
        width: of the vector between two layers.
        forward: width inside of a layer's feed-forward part.
        heads: that ask.
        kv_heads: that are asked, and kept.
        head: width of one.
        vocabulary: number of different tokens.
        words: entries of the vocabulary and rules for joining them.
        context_tokens: that it was trained for.
        is_tied: whether the embedding is the output head as well.
    """

    parameters: int
    layers: int
    width: int
    forward: int
    heads: int
    kv_heads: int
    head: int
    vocabulary: int
    words: int
    context_tokens: int
    is_tied: bool = False


def imagined_shape(numbers: Numbers, size_bytes: int, quantization: str) -> ModelShape:
    """Put together what a header would say.

    Args:
        numbers: of the model.
        size_bytes: of its file, all of which counts as weights: rather too much than too little.
        quantization: as its name says; empty if it says nothing.
    """
    embedding = min(numbers.vocabulary * numbers.width, numbers.parameters // 2)
    head = embedding
    in_layers = max(1, numbers.parameters - (embedding if numbers.is_tied else embedding + head))
    per_weight = size_bytes / max(1, numbers.parameters)
    layer_bytes = min(size_bytes, int(in_layers * per_weight))
    looked_up = 0 if numbers.is_tied else int(embedding * per_weight)
    kind = weight_type(quantization, 8 * per_weight)
    rows = 2 * numbers.width + 2 * numbers.forward + numbers.head * (numbers.heads + 2 * numbers.kv_heads)
    return ModelShape(
        size_bytes=size_bytes,
        parameters=numbers.parameters,
        layers=numbers.layers,
        layer_work={kind: Matrices(layer_bytes, rows * numbers.layers, in_layers)},
        head_work={kind: Matrices(head * per_weight, numbers.vocabulary, head)},
        layer_bytes=layer_bytes,
        largest_layer_bytes=math.ceil(layer_bytes / numbers.layers),
        head_bytes=max(0, size_bytes - layer_bytes - looked_up),
        embedding_bytes=looked_up or int(embedding * per_weight),
        kv_bytes_per_token=2 * _VALUE_BYTES * numbers.layers * numbers.kv_heads * numbers.head,
        attention=2 * numbers.layers * numbers.heads * numbers.head,
        context_tokens=numbers.context_tokens,
        width=numbers.width,
        vocabulary=numbers.vocabulary,
        words=numbers.words,
        step_values=max(3 * numbers.forward, 4 * numbers.heads * numbers.head) + 4 * numbers.width,
    )


def imagined_layout(shape: ModelShape, path: Path) -> WeightLayout | None:
    """Where the weights of such a file would lie; None for one layer, which cannot be paged."""
    if shape.layers < 2:
        return None
    looked_up = max(0, shape.size_bytes - shape.layer_bytes - shape.head_bytes)
    start = looked_up + shape.head_bytes
    step = shape.layer_bytes // shape.layers
    layers = tuple(Span(0, start + step * number, start + step * (number + 1)) for number in range(shape.layers))
    others = (Span(0, looked_up, start + shape.layer_bytes - step * shape.layers),)
    return WeightLayout((path,), layers, others, (Span(0, 0, looked_up),) if looked_up else ())


def in_other_type(shape: ModelShape, size_bytes: int, quantization: str) -> ModelShape:
    """The shape of the same model with weights of another type.

    Args:
        shape: of the one whose header is known.
        size_bytes: of the other one's file, all of which counts as weights.
        quantization: of the other one.
    """
    scale = size_bytes / max(1, shape.size_bytes)
    kind = weight_type(quantization, 8 * size_bytes / shape.parameters if shape.parameters else 0)

    def work(parts: Mapping[str, Matrices]) -> Mapping[str, Matrices]:
        whole = sum(parts.values(), Matrices())
        return {kind: replace(whole, bytes=whole.bytes * scale)} if parts else {}

    return replace(
        shape,
        size_bytes=size_bytes,
        layer_work=work(shape.layer_work),
        head_work=work(shape.head_work),
        layer_bytes=int(shape.layer_bytes * scale),
        largest_layer_bytes=int(shape.largest_layer_bytes * scale),
        head_bytes=int(shape.head_bytes * scale),
        embedding_bytes=int(shape.embedding_bytes * scale),
        is_complete=True,
    )


def weight_type(quantization: str, bits_per_weight: float) -> str:
    """Name of the type that most weights of a file have, as far as its name or its size says; `q4_k` for `Q4_K_M`."""
    name = _named_type(quantization)
    if name or bits_per_weight <= 0:
        return name or "f16"
    return min(_BITS, key=lambda kind: (abs(_BITS[kind] - bits_per_weight), kind))


def bits_of(quantization: str) -> float:
    """About how many bits a weight has in a file, by the name of its quantization; 0 if that says nothing."""
    name = _named_type(quantization)
    if name:
        return _BITS[name] * (1.0 if quantization.lower().endswith(name) else _MIXED)
    digits = re.search(r"\d+", quantization)
    return float(digits[0]) if digits else 0.0


def _named_type(quantization: str) -> str:
    name = quantization.lower().removeprefix("ud-")
    while name and name not in _BITS:
        name = name.rpartition("_")[0]
    return name
