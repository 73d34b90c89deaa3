"""Arrays on their way between processes: type, shape, and the bytes as they are in memory. Nothing is pickled."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from engine.backends.onnx.graph_session import Array
from engine.backends.process.frames import Payload
from engine.errors import RequestError

_PLAIN: Final = "fiub"
"""Kinds of numpy types whose bytes say everything: numbers, and truth."""


def pack_feeds(feeds: Mapping[str, Array]) -> tuple[list[list[Any]], list[Payload]]:
    """What a graph is fed, as a body and payloads.

    Raises:
        RequestError: an input is not an array of numbers.
    """
    if odd := [name for name, array in feeds.items() if array.dtype.kind not in _PLAIN]:
        raise RequestError(f"The input {odd[0]} is no array of numbers, which a device cannot take.")
    heads, payloads = pack_arrays(list(feeds.values()))
    return [[name, *head] for name, head in zip(feeds, heads, strict=True)], payloads


def unpack_feeds(body: Sequence[Sequence[Any]], payloads: Sequence[Payload]) -> dict[str, Array]:
    """What `pack_feeds` has packed."""
    arrays = unpack_arrays([head[1:] for head in body], payloads)
    return {str(head[0]): array for head, array in zip(body, arrays, strict=True)}


def pack_arrays(arrays: Sequence[Array]) -> tuple[list[list[Any]], list[Payload]]:
    """Arrays as a body and payloads; of one that is not of numbers only its place is kept."""
    heads: list[list[Any]] = []
    payloads: list[Payload] = []
    for array in arrays:
        if array.dtype.kind in _PLAIN:
            heads.append([array.dtype.str, list(array.shape)])
            payloads.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data if array.size else b"")
        else:
            heads.append(["", []])
            payloads.append(b"")
    return heads, payloads


def unpack_arrays(body: Sequence[Sequence[Any]], payloads: Sequence[Payload]) -> list[Array]:
    """What `pack_arrays` has packed; what was not of numbers is an empty array of objects."""
    arrays: list[Array] = []
    for (dtype, shape), payload in zip(body, payloads, strict=True):
        if dtype:
            arrays.append(np.frombuffer(payload, np.dtype(str(dtype))).reshape(shape))
        else:
            arrays.append(np.empty(0, object))
    return arrays
