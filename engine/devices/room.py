"""How much memory a model takes, on a device and beside it; what is a guess here says so."""

from collections.abc import Sequence
from typing import Final

from engine.devices.prediction import STEP_TOKENS
from engine.models.shape import ModelShape

_RESERVE_BYTES: Final = 64 << 20  # a guess: small buffers, and what others take meanwhile
_DRIVER_BYTES: Final = 256 << 20  # a guess: what a driver takes of a device's own memory for itself
_VALUE_BYTES: Final = 4
_MASK_BYTES: Final = 2
_WIDTHS: Final = 4  # vectors of a step that llama.cpp keeps at once: 2 to 3, rounded up
_GRAPH_COPIES: Final = 2  # a guess: the weights, and what a provider makes of them


def device_bytes(shape: ModelShape, layers: int, cells: int, *, has_head: bool = True, is_shared: bool = False) -> int:
    """Memory of a device that holds some layers.

    Args:
        shape: of the model.
        layers: on the device; which ones is not said, so that a part of them is counted as the largest ones.
        cells: tokens that the KV cache holds.
        has_head: whether the output head is there too.
        is_shared: whether that is the machine's memory, where the driver takes nothing extra.
    """
    weights = min(layers * shape.largest_layer_bytes, shape.layer_bytes)
    head = shape.head_bytes if has_head else 0
    extra = 0 if is_shared else _DRIVER_BYTES
    return weights + head + _kv_bytes(shape, layers, cells) + compute_bytes(shape, cells) + extra


def host_bytes(shape: ModelShape, layers_elsewhere: int, cells: int) -> int:
    """Machine's memory for what is not on a device."""
    here = shape.layers - layers_elsewhere
    weights = min(here * shape.largest_layer_bytes, shape.layer_bytes) + shape.embedding_bytes
    if not layers_elsewhere:
        weights = shape.size_bytes
    return weights + _kv_bytes(shape, here, cells) + (compute_bytes(shape, cells) if here else 0)


def compute_bytes(shape: ModelShape, cells: int) -> int:
    """Buffers for the largest step: logits and vectors of its tokens, and the mask of what each may look at."""
    values = STEP_TOKENS * (shape.vocabulary + _WIDTHS * shape.width)
    return _VALUE_BYTES * values + _MASK_BYTES * STEP_TOKENS * cells + _RESERVE_BYTES


def graph_bytes(shape: ModelShape) -> int:
    """Memory of a graph, roughly."""
    return _GRAPH_COPIES * shape.size_bytes + _RESERVE_BYTES


def proportional(total: int, weights: Sequence[int]) -> list[int]:
    """Share out a number by weights, in whole parts, none above its weight if their sum is at least the number.

    The largest remainders are rounded up, the first of equal ones first.
    """
    exact = [total * weight / sum(weights) for weight in weights]
    parts = [int(share) for share in exact]
    by_remainder = sorted(range(len(weights)), key=lambda number: (parts[number] - exact[number], number))
    for number in by_remainder[: total - sum(parts)]:
        parts[number] += 1
    return parts


def gigabytes(size_bytes: int) -> str:
    """For people: `5.1 GB`, `120 MB`."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.0f} MB"


def _kv_bytes(shape: ModelShape, layers: int, cells: int) -> int:
    return shape.kv_bytes_per_token * cells * layers // shape.layers if shape.layers else 0
