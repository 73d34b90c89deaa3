"""What a command prints: text or one JSON document on standard output, everything else on standard error."""

import dataclasses
import json
import os
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rich.console import RenderableType

_TERMINAL_CODES = {code: None for code in (*range(32), 127, *range(0x80, 0xA0)) if chr(code) not in "\n\t"}


class PipeClosedError(Exception):
    """Whoever read our output has had enough; the command ends quietly."""


class Output:
    """Standard output of one command.

    Attributes:
        as_json: the command prints exactly one JSON document, and text goes nowhere.
    """

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json

    def text(self, text: str) -> None:
        """Print text as it is, at once; a terminal gets no control codes that a model or a file smuggled in.

        Raises:
            PipeClosedError: nobody reads it.
        """
        if not self.as_json:
            _write(text.translate(_TERMINAL_CODES) if sys.stdout.isatty() else text)

    def line(self, text: str = "") -> None:
        """Print a line."""
        self.text(f"{text}\n")

    def table(self, *parts: "RenderableType") -> None:
        """Print tables and other things that rich draws."""
        if self.as_json:
            return
        from rich.console import Console

        console = Console(soft_wrap=False)
        with console.capture() as capture:
            for part in parts:
                console.print(part)
        _write(capture.get())

    def document(self, value: object) -> None:
        """Print the command's JSON document, if it was asked for."""
        if self.as_json:
            _write(json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def note(text: str) -> None:
    """Print a line on standard error; a terminal gets no control codes, as in `Output.text`."""
    text = text.translate(_TERMINAL_CODES) if sys.stderr.isatty() else text
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the one place that does


def plain(value: object) -> object:
    """Turn dataclasses, enums, paths, sets and arrays into what JSON knows."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(str(plain(item)) for item in value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError as error:
        # Python flushes once more at exit, and would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise PipeClosedError from error


def human_size(count: int) -> str:
    """`1.4 GB` for a number of bytes."""
    size, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.0f} {units[0]}" if units[0] == "bytes" or size >= 100 else f"{size:.1f} {units[0]}"


def human_count(count: float | None) -> str:
    """`1.1B` for a number of parameters."""
    if count is None:
        return "–"
    for divisor, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= divisor:
            return f"{count / divisor:.1f}{unit}" if count < 10 * divisor else f"{count / divisor:.0f}{unit}"
    return f"{count:.0f}"


def count_of(count: int, thing: str) -> str:
    """`1 thread`, `2 threads`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"
