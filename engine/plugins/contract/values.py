"""Fields and values: what forms are drawn from, and what crosses between a plugin and Hearth."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
"""Whatever JSON can hold."""


class Kind(StrEnum):
    """What a field holds, which decides how it is drawn and how `hearth task` reads it."""

    TEXT = "text"  # str; several rows if `multiline`
    MARKDOWN = "markdown"  # str, shown as formatted text; outputs only
    INTEGER = "integer"  # int
    NUMBER = "number"  # float
    FLAG = "flag"  # bool
    CHOICE = "choice"  # str, one of `choices`
    FILE = "file"  # InputFile
    IMAGE = "image"  # InputFile, of a picture
    MODEL = "model"  # str, id of a model that takes what `accepts` says
    MODELS = "models"  # tuple of str, several such ids
    TABLE = "table"  # Table; outputs only


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file that the user chose. Its content is handed over, so that a plugin needs no right to read the disk.

    Attributes:
        name: file name without folders.
        data: its content.
    """

    name: str
    data: bytes

    def text(self) -> str:
        """The content as text: UTF-8 with or without BOM, or UTF-16 with one; what is neither shows as U+FFFD."""
        if self.data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
            return self.data.decode("utf-16", "replace")
        return self.data.decode("utf-8-sig", "replace")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of short texts under column titles; every row is as long as `columns`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Value: TypeAlias = str | int | float | bool | InputFile | tuple[str, ...] | Table
"""A value of a field, of the type that its `Kind` says."""

Values: TypeAlias = Mapping[str, Value]
"""Values by field name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a form: an input of a task, an output of it, or a setting of a plugin.

        >>> Field(name="length", title="Length", kind=Kind.CHOICE, choices=("short", "long"), default="short").kind
        <Kind.CHOICE: 'choice'>

    Attributes:
        name: an identifier in lower case with underscores; `hearth task` makes the option `--name` of it.
        title: the label, two or three words.
        kind: what it holds.
        help: one sentence under the label; may be empty.
        default: what it holds at first; None: it must be filled in (or may stay out, if not `required`).
        required: whether a task can start without it.
        choices: of a CHOICE.
        least: smallest INTEGER or NUMBER.
        most: largest INTEGER or NUMBER, or most characters of a TEXT.
        multiline: whether a TEXT has several rows.
        accepts: of MODEL and MODELS: what the model must take, as in `Accepts`; empty: any model.
        suffixes: of FILE: endings that the dialog offers, with the dot; empty: all.
    """

    name: str
    title: str
    kind: Kind = Kind.TEXT
    help: str = ""
    default: str | int | float | bool | tuple[str, ...] | None = None
    required: bool = True
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    multiline: bool = False
    accepts: str = ""
    suffixes: tuple[str, ...] = ()
