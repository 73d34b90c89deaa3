"""Bounded reader of GGUF headers.

A model file is untrusted input, and llama.cpp may abort the process on a bad one, so every file is read here first:
strictly, with caps on every count, in pure Python. Long arrays (a vocabulary) stay as bytes until somebody asks.
"""

import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from engine.errors import ModelFileError, ModelNotFoundError
from engine.models.ggml import TENSOR_TYPES, TensorType

MAX_TENSORS: Final = 65_536
MAX_KEYS: Final = 4_096
MAX_KEY_BYTES: Final = 256
MAX_NAME_BYTES: Final = 63  # ggml keeps 64 with the closing zero
MAX_STRING_BYTES: Final = 16 << 20
MAX_ARRAY_ITEMS: Final = 4 << 20
MAX_HEADER_BYTES: Final = 64 << 20  # the largest real ones (260,000 tokens with merges) take 16 MiB
MAX_ALIGNMENT: Final = 64 << 10
MAX_SIZE: Final = 1 << 62

DOWNLOAD_AGAIN: Final = "Download it again."

_STRING, _ARRAY = 8, 9
_SCALARS: Final[dict[int, str]] = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d",
}  # fmt: skip
_UINT32 = 4
_KEY = re.compile(r"[A-Za-z0-9._-]+")
_U64 = struct.Struct("<Q")

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True, eq=False)
class GgufArray:
    """An array of the metadata, decoded only on demand.

    Attributes:
        type: element type number of GGUF; 8 is a string.
        count: number of elements.
        raw: the elements as they are in the file.
    """

    type: int
    count: int
    raw: bytes

    @property
    def is_text(self) -> bool:
        """Whether the elements are strings."""
        return self.type == _STRING

    def __len__(self) -> int:
        return self.count

    def __contains__(self, text: str) -> bool:
        """Whether this text is an element; fast, but meant for texts that are not part of other elements."""
        data = text.encode()
        return self.is_text and _U64.pack(len(data)) + data in self.raw

    def texts(self) -> list[bytes]:
        """All elements of a string array, as bytes."""
        items, raw, at = [], self.raw, 0
        for _ in range(self.count):
            start = at + 8
            at = start + _U64.unpack_from(raw, at)[0]
            items.append(raw[start:at])
        return items

    def numbers(self) -> tuple[float, ...]:
        """All elements of a number array; integers stay integers."""
        return struct.unpack(f"<{self.count}{_SCALARS[self.type]}", self.raw)


Value = Scalar | GgufArray


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor of the table.

    Attributes:
        name: as llama.cpp knows it.
        dims: fastest-changing first.
        type: how its weights are packed.
        offset: of its data, in bytes from the start of the file.
        size_bytes: of its data.
    """

    name: str
    dims: tuple[int, ...]
    type: TensorType
    offset: int
    size_bytes: int

    @property
    def elements(self) -> int:
        """Number of weights."""
        return math.prod(self.dims)


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """Everything before the weights.

    Attributes:
        path: the file.
        size_bytes: of the file.
        version: of the format.
        metadata: key -> value, in file order.
        tensors: in file order.
    """

    path: Path
    size_bytes: int
    version: int
    metadata: Mapping[str, Value]
    tensors: tuple[Tensor, ...]

    @property
    def architecture(self) -> str:
        """`llama`, `qwen2`, ...; empty if the file does not say."""
        return self.text("general.architecture") or ""

    def text(self, key: str) -> str | None:
        """The string under `key`, or None."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> int | None:
        """The integer under `key`, or None; `{arch}` in the key stands for the architecture."""
        value = self.metadata.get(key.replace("{arch}", self.architecture))
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def array(self, key: str) -> GgufArray | None:
        """The array under `key`, or None; `{arch}` in the key stands for the architecture."""
        value = self.metadata.get(key.replace("{arch}", self.architecture))
        return value if isinstance(value, GgufArray) else None


def read_header(path: Path) -> GgufHeader:
    """Read and check the header of a GGUF file; the weights are not touched.

    Takes milliseconds, and tens of them for a vocabulary of 250,000 tokens.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: the file is not GGUF, incomplete or damaged; says which.
    """
    try:
        if path.is_dir():
            raise ModelFileError(f"{path} is a folder, not a model file.", "Choose a file in it.", "file")
        with path.open("rb") as file:
            return _parse(path, _Reader(path, file, path.stat().st_size))
    except FileNotFoundError as error:
        raise ModelNotFoundError(f"There is no file {path}.", "Check the path.") from error
    except (OSError, ValueError) as error:  # ValueError: a path that no file system can hold
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ModelFileError(f"The file {path} cannot be read: {reason}.", "Check its permissions.", "file") from error


def read_header_from(file: BinaryIO, path: Path, size_bytes: int) -> GgufHeader:
    """Read and check the header of a GGUF file of which only the beginning is at hand.

    Args:
        file: gives the file from its first byte on; as many bytes as are asked for, unless it ends.
        path: where the file will be.
        size_bytes: of the whole file.

    Raises:
        ModelFileError: it is not GGUF, or its header is damaged or ends too early; says which.
        OSError: it cannot be read.
    """
    return _parse(path, _Reader(path, file, size_bytes))


class _Reader:
    """Reads little-endian values in order, never more than the file and the cap hold."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.name = path.name
        self.size = size
        self.at = 0
        self.data = b""
        self._file = file

    def damaged(self, rule: str, what: str) -> ModelFileError:
        """An error that says what is wrong with the file, and the name of the rule that it breaks."""
        return ModelFileError(f"The file {self.name} is damaged: {what}.", DOWNLOAD_AGAIN, rule)

    def need(self, end: int) -> None:
        """Make sure that bytes up to `end` are in memory."""
        if end <= len(self.data):
            return
        if end > self.size:
            raise ModelFileError(
                f"The file {self.name} is incomplete: it ends after {self.size:,} bytes, in the middle of its header.",
                DOWNLOAD_AGAIN,
                "incomplete",
            )
        if end > MAX_HEADER_BYTES:
            raise self.damaged("header-size", f"its header is larger than {MAX_HEADER_BYTES >> 20} MiB")
        more = max(end, min(2 * len(self.data), MAX_HEADER_BYTES), 1 << 16) - len(self.data)
        self.data += self._file.read(more)
        if end > len(self.data):
            raise self.damaged("file", "it became shorter while it was read")

    def unpack(self, code: str) -> int | float | bool:
        """Read one value with a `struct` code."""
        size = struct.calcsize("<" + code)
        self.need(self.at + size)
        value: int | float | bool = struct.unpack_from("<" + code, self.data, self.at)[0]
        self.at += size
        return value

    def count(self, code: str, most: int, rule: str, what: str) -> int:
        """Read an unsigned number that must not be above `most`."""
        value = int(self.unpack(code))
        if value > most:
            raise self.damaged(rule, f"{what} is {value:,}, more than {most:,}")
        return value

    def raw(self, size: int) -> bytes:
        """Read bytes."""
        self.need(self.at + size)
        value = self.data[self.at : self.at + size]
        self.at += size
        return value

    def string(self, most: int, rule: str, what: str) -> str:
        """Read a string of at most `most` bytes."""
        value = self.raw(self.count("Q", most, rule, f"the length of {what}"))
        try:
            text = value.decode()
        except UnicodeDecodeError as error:
            raise self.damaged(rule, f"{what} is not valid UTF-8") from error
        if "\0" in text:
            raise self.damaged(rule, f"{what} contains a zero byte")
        return text

    def skip_strings(self, count: int) -> None:
        """Walk over strings; the fast path of large vocabularies."""
        at, unpack, data, loaded = self.at, _U64.unpack_from, self.data, len(self.data)
        for _ in range(count):
            if at + 8 > loaded:
                self.need(at + 8)
                data, loaded = self.data, len(self.data)
            length = unpack(data, at)[0]
            if length > MAX_STRING_BYTES:
                raise self.damaged("strings", f"the length of a string is {length:,}, more than {MAX_STRING_BYTES:,}")
            at += 8 + length
        self.need(at)
        self.at = at


def _parse(path: Path, reader: _Reader) -> GgufHeader:
    version = _check_start(reader)
    tensor_count = reader.count("Q", MAX_TENSORS, "counts", "the number of tensors")
    key_count = reader.count("Q", MAX_KEYS, "counts", "the number of keys")
    metadata: dict[str, Value] = {}
    for _ in range(key_count):
        key = reader.string(MAX_KEY_BYTES, "keys", "a key")
        if not _KEY.fullmatch(key):
            raise reader.damaged("keys", f"{key!r} is no key")
        if key in metadata:
            raise reader.damaged("keys", f"the key {key} occurs twice")
        metadata[key] = _value(reader, key)
    alignment = _alignment(reader, metadata)
    rows = [_tensor_row(reader) for _ in range(tensor_count)]
    tensors = _place(reader, rows, alignment)
    return GgufHeader(path, reader.size, version, metadata, tensors)


def _check_start(reader: _Reader) -> int:
    """Check magic and version."""
    if reader.size == 0:
        raise ModelFileError(f"The file {reader.name} is empty.", DOWNLOAD_AGAIN, "incomplete")
    magic = reader.raw(min(4, reader.size))
    if magic != b"GGUF":
        kind = "a text file" if _is_text(reader) else "another kind of file"
        raise ModelFileError(
            f"The file {reader.name} is not a GGUF model but {kind}.", "Choose a .gguf model file.", "magic"
        )
    version = int(reader.unpack("I"))
    if version == 1:
        raise ModelFileError(
            f"The file {reader.name} uses GGUF version 1, which is too old.", "Get a newer file.", "version"
        )
    if version not in {2, 3}:
        if version & 0xFFFF == 0:
            raise ModelFileError(
                f"The file {reader.name} is for big-endian machines.", "Get the usual little-endian file.", "version"
            )
        raise ModelFileError(
            f"The file {reader.name} uses GGUF version {version}, but versions 2 and 3 are known.",
            "Update Hearth.",
            "version",
        )
    return version


def _is_text(reader: _Reader) -> bool:
    size = min(reader.size, 512)
    reader.need(size)
    return all(byte >= 32 or byte in b"\t\n\r\f" for byte in reader.data[:size])


def _value(reader: _Reader, key: str) -> Value:
    kind = int(reader.unpack("I"))
    if kind == _STRING:
        return reader.string(MAX_STRING_BYTES, "strings", f"the value of {key}")
    if kind != _ARRAY:
        return reader.unpack(_scalar_code(reader, kind, key))
    kind = int(reader.unpack("I"))
    count = reader.count("Q", MAX_ARRAY_ITEMS, "arrays", f"the length of {key}")
    start = reader.at
    if kind == _STRING:
        reader.skip_strings(count)
        return GgufArray(kind, count, reader.data[start : reader.at])
    size = struct.calcsize("<" + _scalar_code(reader, kind, key))
    return GgufArray(kind, count, reader.raw(size * count))


def _scalar_code(reader: _Reader, kind: int, key: str) -> str:
    code = _SCALARS.get(kind)
    if code is None:
        raise reader.damaged("value-types", f"the value of {key} has the unknown type {kind}")
    return code


def _alignment(reader: _Reader, metadata: Mapping[str, Value]) -> int:
    value = metadata.get("general.alignment", 32)
    if type(value) is not int or not 1 <= value <= MAX_ALIGNMENT or value & (value - 1):
        raise reader.damaged("alignment", f"its alignment is {value}, not a power of two up to {MAX_ALIGNMENT:,}")
    return value


def _tensor_row(reader: _Reader) -> tuple[str, tuple[int, ...], TensorType, int]:
    """Read name, dims, type, and offset in the data section."""
    name = reader.string(MAX_NAME_BYTES, "tensor-names", "a tensor name")
    dim_count = reader.count("I", 4, "tensor-shapes", f"the number of dimensions of tensor {name}")
    dims = tuple(int(reader.unpack("Q")) for _ in range(dim_count))
    if not dims or min(dims) < 1 or math.prod(dims) > MAX_SIZE:
        raise reader.damaged("tensor-shapes", f"tensor {name} has the impossible shape {list(dims)}")
    number = int(reader.unpack("I"))
    kind = TENSOR_TYPES.get(number)
    if kind is None:
        raise ModelFileError(
            f"Tensor {name} in {reader.name} has the unknown type {number}.",
            "Update Hearth or get another file.",
            "tensor-types",
        )
    if dims[0] % kind.block_elements:
        raise reader.damaged(
            "tensor-blocks", f"rows of tensor {name} have {dims[0]} weights, which {kind.name} cannot hold"
        )
    return name, dims, kind, int(reader.unpack("Q"))


def _place(
    reader: _Reader, rows: list[tuple[str, tuple[int, ...], TensorType, int]], alignment: int
) -> tuple[Tensor, ...]:
    """Check that the tensors follow one another without gaps and that the file holds them all."""
    start = -(-reader.at // alignment) * alignment
    tensors: list[Tensor] = []
    expected = end = 0
    for name, dims, kind, offset in rows:
        if offset != expected:
            raise reader.damaged("tensor-offsets", f"tensor {name} is at offset {offset:,} instead of {expected:,}")
        size = math.prod(dims) // kind.block_elements * kind.block_bytes
        tensors.append(Tensor(name, dims, kind, start + offset, size))
        end = offset + size
        expected = -(-end // alignment) * alignment
    if len({tensor.name for tensor in tensors}) < len(tensors):
        raise reader.damaged("tensor-names", "two tensors have the same name")
    missing = start + end - reader.size if tensors else 0
    if missing > 0:
        raise ModelFileError(
            f"The file {reader.name} is incomplete: {missing:,} of {start + end:,} bytes are missing.",
            DOWNLOAD_AGAIN,
            "incomplete",
        )
    return tuple(tensors)
