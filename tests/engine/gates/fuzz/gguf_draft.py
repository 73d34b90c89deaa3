"""A GGUF file taken apart, so that a part of it can be changed and the rest still fits."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

from engine.models.ggml import TENSOR_TYPES
from engine.models.gguf import GgufArray, read_header

CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, ARRAY = 8, 9

Array = tuple[int, list[object]]
Place = tuple[int, str]
"""Where a number stands in the file, and its code for `struct`."""


@dataclass
class TensorDraft:
    name: str
    dims: tuple[int, ...]
    type: int
    data: bytes


@dataclass
class Draft:
    """Keys are (name, type, value); the value of an array is its element type and its elements, texts as bytes."""

    keys: list[tuple[str, int, object]]
    tensors: list[TensorDraft]
    places: list[Place] = field(default_factory=list)

    def build(self) -> bytes:
        """The file; afterwards `places` tells where its numbers are."""
        self.places = [(4, "I"), (8, "Q"), (16, "Q")]
        out = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(self.tensors), len(self.keys)))
        for name, kind, value in self.keys:
            self._text(out, name.encode(errors="surrogateescape"))
            self._number(out, "I", kind)
            self._value(out, kind, value)
        offset = 0
        for tensor in self.tensors:
            self._text(out, tensor.name.encode())
            self._number(out, "I", len(tensor.dims))
            for dim in tensor.dims:
                self._number(out, "Q", dim)
            self._number(out, "I", tensor.type)
            self._number(out, "Q", offset)
            offset += -(-len(tensor.data) // 32) * 32
        out += bytes(-len(out) % 32)
        for tensor in self.tensors:
            out += tensor.data + bytes(-len(tensor.data) % 32)
        return bytes(out)

    def _value(self, out: bytearray, kind: int, value: object) -> None:
        if kind == TEXT:
            self._text(out, value)
        elif kind == ARRAY:
            inner, items = value
            self._number(out, "I", inner)
            self._number(out, "Q", len(items))
            for item in items:
                self._text(out, item) if inner == TEXT else out.extend(struct.pack("<" + CODES[inner], item))
        else:
            self._number(out, CODES[kind], value)

    def _text(self, out: bytearray, data: bytes) -> None:
        self._number(out, "Q", len(data))
        out += data

    def _number(self, out: bytearray, code: str, value: object) -> None:
        self.places.append((len(out), code))
        out += struct.pack("<" + code, value)


def take_apart(path: Path) -> Draft:
    """A draft of a file that is right."""
    header, data = read_header(path), path.read_bytes()
    numbers = {tensor_type.name: number for number, tensor_type in TENSOR_TYPES.items()}
    keys: list[tuple[str, int, object]] = []
    for name, value in header.metadata.items():
        if isinstance(value, GgufArray):
            items = value.texts() if value.is_text else list(value.numbers())
            keys.append((name, ARRAY, (value.type, items)))
        else:
            kind = {bool: 7, int: 4, float: 6, str: TEXT}[type(value)]
            keys.append((name, kind, value.encode() if isinstance(value, str) else value))
    tensors = [
        TensorDraft(t.name, t.dims, numbers[t.type.name], data[t.offset : t.offset + t.size_bytes])
        for t in header.tensors
    ]
    return Draft(keys, tensors)
