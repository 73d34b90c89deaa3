"""The engine's settings file: some of its settings are changed, and everything else in it stays as it was written."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import tomli_w

from app.whole_file import write_whole

Setting = int | bool | str | tuple[str, ...]

_VALUE: Final = (
    r"(?:\"(?:[^\"\\\r\n]|\\.)*\"|'[^'\r\n]*'|\[(?:[^\]\"']|\"(?:[^\"\\]|\\.)*\"|'[^']*')*\]|[^#\r\n\"'\[]*?)"
)
"""A text, a list (also of several lines), or a number."""


def write_settings(path: Path, values: Mapping[str, Setting | None]) -> None:
    """Change settings in the file; it is made if it is missing, and replaced in one piece.

    Args:
        path: of the file, such as `home/engine.toml`.
        values: by name; None takes the setting out, so that its default applies.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: what stands there is no TOML, and is left alone.
    """
    try:
        before = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        before = ""
    after = changed(before, values)
    if after != before:
        write_whole(path, after.encode("utf-8"))


def changed(text: str, values: Mapping[str, Setting | None]) -> str:
    """A TOML document with other values; only lines with these settings change, unless that would say something else.

    Raises:
        ValueError: it is no TOML.
    """
    table = tomllib.loads(text)
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    wanted = {name: value for name, value in {**table, **given}.items() if value is not None}
    if wanted == table:
        return text
    for name, value in values.items():
        text = _with_line(text, name, value)
    try:
        if tomllib.loads(text) == wanted:
            return text
    except tomllib.TOMLDecodeError:
        pass
    return tomli_w.dumps(wanted)  # a setting in an unusual place, such as behind a text of several lines


def _with_line(text: str, name: str, value: Setting | None) -> str:
    line = re.compile(rf"^([ \t]*{name}[ \t]*=[ \t]*){_VALUE}([ \t]*(?:#[^\r\n]*)?)(\r?\n|$)", re.MULTILINE)
    words = "" if value is None else _written(value)
    if line.search(text):
        return line.sub(lambda found: f"{found[1]}{words}{found[2]}{found[3]}" if words else "", text, count=1)
    if value is None:
        return text
    end = "\r\n" if "\r\n" in text else "\n"
    heading = re.search(r"^[ \t]*\[", text, re.MULTILINE)  # settings stand above the first table
    at = heading.start() if heading else len(text)
    gap = end if at and text[at - 1] not in "\r\n" else ""
    return f"{text[:at]}{gap}{name} = {words}{end}{text[at:]}"


def _written(value: Setting) -> str:
    """A value as TOML has it, on one line."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    return tomli_w.dumps({"v": value}).removeprefix("v = ").strip()
