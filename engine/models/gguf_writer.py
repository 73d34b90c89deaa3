"""A small GGUF writer that streams: tensors are never held in memory as a whole.

The format: magic, version, counts, key-value pairs, tensor descriptions, then the tensors, each aligned to 32 bytes.
"""

import math
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import BinaryIO

from engine.models.ggml import TENSOR_TYPES

ALIGNMENT = 32

MetadataValue = str | bool | int | float | Sequence[str] | Sequence[int] | Sequence[float]
"""Written as string, bool, uint32, float32, or an array of string, int32 or float32."""


class WeightType(IntEnum):
    """How the weights of one tensor are stored, of those that Hearth writes; the values are GGUF's."""

    F32 = 0
    F16 = 1
    Q4_0 = 2
    Q5_0 = 6
    Q8_0 = 8
    Q2_K = 10
    Q3_K = 11
    Q4_K = 12
    Q5_K = 13
    Q6_K = 14
    IQ4_NL = 20
    IQ4_XS = 23
    BF16 = 30


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One tensor of a file.

    Attributes:
        name: `blk.0.attn_q.weight` and the like.
        shape: rows first; the last number is the length of a row, a multiple of the type's block.
        type: how it is stored.
    """

    name: str
    shape: tuple[int, ...]
    type: WeightType

    @property
    def size_bytes(self) -> int:
        """Size in the file, without padding."""
        block = TENSOR_TYPES[self.type]
        if self.shape[-1] % block.block_elements:
            raise ValueError(
                f"{self.name}: rows of {self.shape[-1]} do not divide into blocks of {block.block_elements}"
            )
        return math.prod(self.shape) // block.block_elements * block.block_bytes


def write_gguf(
    stream: BinaryIO,
    metadata: Mapping[str, MetadataValue],
    tensors: Sequence[TensorSpec],
    data: Callable[[TensorSpec], Iterable[bytes]],
) -> None:
    """Write a whole file.

    Args:
        stream: opened for writing in binary.
        metadata: key-value pairs; `general.architecture` comes first by custom.
        tensors: their descriptions, in the order in which they are stored.
        data: gives the bytes of one tensor in pieces; called once per tensor, in order.

    Raises:
        ValueError: `data` gave more or fewer bytes than the tensor has.
        OSError: the disk is full, or another failure of the stream.
    """
    write_header(stream, metadata, tensors)
    for tensor in tensors:
        written = sum(stream.write(piece) for piece in data(tensor))
        if written != tensor.size_bytes:
            raise ValueError(f"{tensor.name}: {written} bytes given, {tensor.size_bytes} expected")
        stream.write(b"\0" * (_padded(written) - written))


def write_header(stream: BinaryIO, metadata: Mapping[str, MetadataValue], tensors: Sequence[TensorSpec]) -> int:
    """Write what comes before the weights.

    Returns:
        Size of the file once the weights are there.

    Raises:
        OSError: the disk is full, or another failure of the stream.
    """
    header = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)))
    for key, value in metadata.items():
        header += _string(key) + _value(value)
    offset = 0
    for tensor in tensors:
        dimensions = tensor.shape[::-1]  # GGUF counts the fastest dimension first
        header += _string(tensor.name) + struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions)
        header += struct.pack("<IQ", tensor.type, offset)
        offset += _padded(tensor.size_bytes)
    return stream.write(header.ljust(_padded(len(header)), b"\0")) + offset


def _padded(size: int) -> int:
    return (size + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


def _string(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def _value(value: MetadataValue) -> bytes:
    match value:
        case bool():  # before int: bool is one
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case str():
            return struct.pack("<I", 8) + _string(value)
        case _:
            return _array(value)


def _array(values: Sequence[str] | Sequence[int] | Sequence[float]) -> bytes:
    if all(isinstance(item, str) for item in values):
        head, body = 8, b"".join(_string(str(item)) for item in values)
    elif all(isinstance(item, int) for item in values):
        head, body = 5, struct.pack(f"<{len(values)}i", *values)
    else:
        head, body = 6, struct.pack(f"<{len(values)}f", *values)
    return struct.pack("<IIQ", 9, head, len(values)) + body
