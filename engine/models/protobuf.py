"""Bounded walk over the fields of a protobuf file."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from engine.errors import ModelFileError
from engine.models.gguf import DOWNLOAD_AGAIN

MAX_FIELDS: Final = 1_000_000
MAX_TEXT_BYTES: Final = 1 << 16
MAX_ALL_TEXT_BYTES: Final = 64 << 20
WINDOW_BYTES: Final = 4_096

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Field(NamedTuple):
    """One field of a message: a number, or the bytes from `start` to `end`."""

    number: int
    kind: int
    value: int
    start: int
    end: int


class Protobuf:
    """Walks the fields of a protobuf file; reads small pieces, so weights cost a seek each.

    Attributes:
        path: of the file.
        size: of the file in bytes.
    """

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.path = path
        self.size = size
        self._file = file
        self._window = b""
        self._start = 0
        self._fields = 0
        self._text_bytes = 0

    def damaged(self, what: str, rule: str = "protobuf") -> ModelFileError:
        """The error for a file that breaks the rules of the format, or another rule that has a name."""
        return ModelFileError(f"The file {self.path.name} is no ONNX model, or damaged: {what}.", DOWNLOAD_AGAIN, rule)

    def incomplete(self, missing: int) -> ModelFileError:
        """The error for a file that ends too early."""
        return ModelFileError(
            f"The file {self.path.name} is incomplete: {missing:,} bytes are missing.", DOWNLOAD_AGAIN, "incomplete"
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

    def fields(self, at: int, end: int) -> Iterator[Field]:
        """Fields of the message that lies between two places."""
        while at < end:
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise self.damaged(f"it has more than {MAX_FIELDS:,} parts")
            key, at = self.varint(at, end)
            value, start = 0, at
            kind = key & 7
            if kind == VARINT:
                value, at = self.varint(at, end)
            elif kind == BYTES:
                value, start = self.varint(at, end)
                at = start + value
            elif kind in {FIXED64, FIXED32}:
                at += 8 if kind == FIXED64 else 4
            else:
                raise self.damaged("it has a part of an unknown kind")
            if not key >> 3:
                raise self.damaged("it has a part without a number")
            if at > end:
                raise self.incomplete(at - end) if end == self.size else self.damaged("a part is larger than its whole")
            yield Field(key >> 3, kind, value, start, at)

    def text(self, field: Field) -> str:
        """The text of a field."""
        size = field.end - field.start
        self._text_bytes += size
        if size > MAX_TEXT_BYTES or self._text_bytes > MAX_ALL_TEXT_BYTES:
            raise self.damaged("a name is too long")
        try:
            return self.read(field.start, field.end - field.start).decode()
        except UnicodeDecodeError as error:
            raise self.damaged("a name is not valid UTF-8") from error
