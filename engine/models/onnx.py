"""Bounded reader of ONNX files: a walk over the protobuf that skips the weights, and what it says about the model."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from engine.errors import ModelFileError, ModelNotFoundError
from engine.models.gguf import DOWNLOAD_AGAIN
from engine.models.onnx_card import OnnxCard, find_tokenizer, read_card
from engine.types import Accepts, ModelInfo

__all__ = ["OnnxCard", "OnnxHeader", "describe", "find_tokenizer", "read_card", "read_onnx_header"]

MAX_FIELDS: Final = 1_000_000
MAX_TEXT_BYTES: Final = 1 << 16
MAX_DIMS: Final = 16
MAX_ELEMENTS: Final = 1 << 48
MAX_IR_VERSION: Final = 64  # 13 in 2026; a file that claims more is something else
WINDOW_BYTES: Final = 4_096

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_DATA_TYPES: Final = {1: "F32", 2: "U8", 3: "I8", 10: "F16", 11: "F64", 16: "BF16", 21: "U4", 22: "I4"}


@dataclass(frozen=True, slots=True)
class OnnxHeader:
    """What an ONNX file says about itself, its weights left out.

    Attributes:
        size_bytes: of the file and of the files that hold its weights.
        ir_version: version of the format.
        opset: version of the standard operators; 0 if the file names none.
        producer: program that wrote it; may be empty.
        parameters: number of weights.
        data_type: the type that most weights have, `F32` say; None if there are none.
    """

    size_bytes: int
    ir_version: int
    opset: int
    producer: str
    parameters: int
    data_type: str | None


def describe(path: Path, model_id: str) -> ModelInfo:
    """Describe an ONNX model from its file and its card.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: the file is not ONNX, incomplete or damaged, or its card is wrong; says which.
    """
    header = read_onnx_header(path)
    card = read_card(path)
    return ModelInfo(
        id=model_id,
        path=path,
        format="onnx",
        name=card.name or (model_id if path.stem.lower() == "model" else path.stem),
        architecture="onnx",
        size_bytes=header.size_bytes,
        parameters=header.parameters or None,
        quantization=header.data_type,
        accepts=frozenset({Accepts.TEXTS if card.task == "embedding" else Accepts.IMAGE}),
        tasks=(card.task,),
        licence=card.licence or None,
    )


def read_onnx_header(path: Path) -> OnnxHeader:
    """Walk over an ONNX file without reading its weights.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: the file is not ONNX, incomplete or damaged, or a file with its weights is missing.
    """
    try:
        if path.is_dir():
            raise ModelFileError(f"{path} is a folder, not a model file.", "Choose a file in it.")
        with path.open("rb") as file:
            return _Model(path, file, path.stat().st_size).header()
    except FileNotFoundError as error:
        raise ModelNotFoundError(f"There is no file {path}.", "Check the path.") from error
    except (OSError, ValueError) as error:  # ValueError: a path that no file system can hold
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ModelFileError(f"The file {path} cannot be read: {reason}.", "Check its permissions.") from error


class _Field(NamedTuple):
    """One field of a message: a number, or the bytes from `start` to `end`."""

    number: int
    kind: int
    value: int
    start: int
    end: int


class _Protobuf:
    """Walks the fields of a protobuf file; reads small pieces, so weights cost a seek each."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.path = path
        self.size = size
        self._file = file
        self._window = b""
        self._start = 0
        self._fields = 0

    def damaged(self, what: str) -> ModelFileError:
        return ModelFileError(f"The file {self.path.name} is no ONNX model, or damaged: {what}.", DOWNLOAD_AGAIN)

    def incomplete(self, missing: int) -> ModelFileError:
        return ModelFileError(
            f"The file {self.path.name} is incomplete: {missing:,} bytes are missing.", DOWNLOAD_AGAIN
        )

    def read(self, at: int, size: int) -> bytes:
        """Bytes of the file, fewer at its end."""
        if not self._start <= at <= at + size <= self._start + len(self._window):
            self._file.seek(at)
            self._window, self._start = self._file.read(max(size, WINDOW_BYTES)), at
        return self._window[at - self._start : at - self._start + size]

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """Value at a place, and the place after it."""
        data = self.read(at, min(10, end - at))
        value = 0
        for index, byte in enumerate(data):
            value |= (byte & 127) << 7 * index
            if byte < 128:
                return value, at + index + 1
        raise self.incomplete(1) if end == self.size and len(data) < 10 else self.damaged("a number is too long")

    def fields(self, at: int, end: int) -> Iterator[_Field]:
        """Fields of the message that lies between two places."""
        while at < end:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise self.damaged(f"it has more than {MAX_FIELDS:,} parts")
            key, at = self.varint(at, end)
            value, start = 0, at
            kind = key & 7
            if kind == _VARINT:
                value, at = self.varint(at, end)
            elif kind == _BYTES:
                value, start = self.varint(at, end)
                at = start + value
            elif kind in {_FIXED64, _FIXED32}:
                at += 8 if kind == _FIXED64 else 4
            else:
                raise self.damaged("it has a part of an unknown kind")
            if not key >> 3:
                raise self.damaged("it has a part without a number")
            if at > end:
                raise self.incomplete(at - end) if end == self.size else self.damaged("a part is larger than its whole")
            yield _Field(key >> 3, kind, value, start, at)

    def text(self, field: _Field) -> str:
        """The text of a field."""
        if field.end - field.start > MAX_TEXT_BYTES:
            raise self.damaged("a name is too long")
        try:
            return self.read(field.start, field.end - field.start).decode()
        except UnicodeDecodeError as error:
            raise self.damaged("a name is not valid UTF-8") from error


class _Model:
    """One walk over a ModelProto; the numbers are those of onnx.proto."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self._proto = _Protobuf(path, file, size)
        self._ir_version = self._opset = 0
        self._producer = ""
        self._graphs = 0
        self._weights: Counter[int] = Counter()  # data type -> number of weights
        self._locations: set[str] = set()

    def header(self) -> OnnxHeader:
        proto = self._proto
        if proto.size == 0:
            raise ModelFileError(f"The file {proto.path.name} is empty.", DOWNLOAD_AGAIN)
        for field in proto.fields(0, proto.size):
            if field.number == 1:
                self._ir_version = field.value
                if not 1 <= field.value <= MAX_IR_VERSION:
                    raise proto.damaged(f"its format version is {field.value:,}")
            elif field.number == 2:
                self._producer = proto.text(field)
            elif field.number == 7:
                self._graph(field)
            elif field.number == 8:
                self._opset_import(field)
        if not self._ir_version or not self._graphs:
            raise proto.damaged("it has no graph")
        common = self._weights.most_common(1)
        return OnnxHeader(
            size_bytes=proto.size + self._external_bytes(),
            ir_version=self._ir_version,
            opset=self._opset,
            producer=self._producer,
            parameters=self._weights.total(),
            data_type=_DATA_TYPES.get(common[0][0]) if common else None,
        )

    def _opset_import(self, message: _Field) -> None:
        domain, version = "", 0
        for field in self._proto.fields(message.start, message.end):
            if field.number == 1:
                domain = self._proto.text(field)
            elif field.number == 2:
                version = field.value
        if domain in {"", "ai.onnx"}:
            self._opset = version

    def _graph(self, message: _Field) -> None:
        self._graphs += 1
        for field in self._proto.fields(message.start, message.end):
            if field.number == 5:
                self._initializer(field)

    def _initializer(self, message: _Field) -> None:
        dims: list[int] = []
        data_type, external = 0, False
        entries: dict[str, str] = {}
        for field in self._proto.fields(message.start, message.end):
            if field.number == 1:
                dims.extend(self._dims(field))
            elif field.number == 2:
                data_type = field.value
            elif field.number == 13:
                key, text = self._entry(field)
                entries[key] = text
            elif field.number == 14:
                external = field.value == 1
        if len(dims) > MAX_DIMS or (elements := math.prod(dims)) > MAX_ELEMENTS:
            raise self._proto.damaged("a weight has an impossible shape")
        self._weights[data_type] += elements
        if external and "location" in entries:
            self._locations.add(entries["location"])

    def _dims(self, field: _Field) -> list[int]:
        if field.kind == _VARINT:  # one number per field; otherwise all are packed into one
            return [field.value]
        dims: list[int] = []
        at = field.start
        while at < field.end:
            if len(dims) == MAX_DIMS:
                raise self._proto.damaged("a weight has an impossible shape")
            dim, at = self._proto.varint(at, field.end)
            dims.append(dim)
        return dims

    def _entry(self, message: _Field) -> tuple[str, str]:
        """Key and value of a StringStringEntryProto."""
        found = {1: "", 2: ""}
        for field in self._proto.fields(message.start, message.end):
            if field.number in found:
                found[field.number] = self._proto.text(field)
        return found[1], found[2]

    def _external_bytes(self) -> int:
        """Bytes of the files that hold the weights; each must lie beside the model."""
        path, total = self._proto.path, 0
        for location in sorted(self._locations):
            place = path.parent / location
            if Path(location).is_absolute() or ".." in Path(location).parts or "\\" in location:
                raise ModelFileError(
                    f"The file {path.name} wants to read {location!r}, which lies outside its folder.",
                    "Do not use it, or get it from its author again.",
                )
            if not place.is_file():
                raise ModelFileError(
                    f"The weights of {path.name} are in {location}, which is missing.", "Put it beside the model."
                )
            total += place.stat().st_size
        return total
