"""The engine's settings file: some of its numbers are changed, and everything else in it stays as it was written."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import tomli_w

from app.whole_file import write_whole


def write_settings(path: Path, values: Mapping[str, int | None]) -> None:
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


def changed(text: str, values: Mapping[str, int | None]) -> str:
    """A TOML document with other values; only lines with these settings change, unless that would say something else.

    Raises:
        ValueError: it is no TOML.
    """
    table = tomllib.loads(text)
    wanted = {name: value for name, value in {**table, **values}.items() if value is not None}
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


def _with_line(text: str, name: str, value: int | None) -> str:
    line = re.compile(rf"^([ \t]*{name}[ \t]*=[ \t]*)[^#\r\n]*?([ \t]*(?:#[^\r\n]*)?)(\r?\n|$)", re.MULTILINE)
    if line.search(text):
        return line.sub("" if value is None else rf"\g<1>{value}\g<2>\g<3>", text, count=1)
    if value is None:
        return text
    end = "\r\n" if "\r\n" in text else "\n"
    heading = re.search(r"^[ \t]*\[", text, re.MULTILINE)  # settings stand above the first table
    at = heading.start() if heading else len(text)
    gap = end if at and text[at - 1] not in "\r\n" else ""
    return f"{text[:at]}{gap}{name} = {value}{end}{text[at:]}"
