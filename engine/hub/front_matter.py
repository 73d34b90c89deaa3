"""What stands between `---` lines at the top of a model's card: a small, harmless part of YAML, read with bounds.

Only names at the left edge with a plain value, or a list of plain values, are taken; everything else is passed over.
"""

import re
from collections.abc import Mapping
from typing import Final

_MOST_CHARACTERS: Final = 64 << 10
_MOST_LINES: Final = 1_000
_MOST_ITEMS: Final = 100
_LONGEST: Final = 500
_ENTRY: Final = re.compile(r"([A-Za-z_][\w-]{0,63}):(?:[ \t]+(.*))?")
_ITEM: Final = re.compile(r"[ \t]*-[ \t]+(.*)")

Fields = Mapping[str, tuple[str, ...]]
"""Name -> values; several for a list."""


def split_card(text: str) -> tuple[Fields, str]:
    """What a card states, and its text without that.

    Args:
        text: of the card, as its author wrote it.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not text.startswith("---\n"):
        return {}, text
    end = text.find("\n---", 3, _MOST_CHARACTERS)
    if end < 0:
        return {}, text
    body = text[end + 4 :].partition("\n")[2].lstrip("\n")
    return _fields(text[4:end]), body


def _fields(text: str) -> Fields:
    found: dict[str, list[str]] = {}
    name = ""
    for line in text.split("\n", _MOST_LINES)[:_MOST_LINES]:
        if entry := _ENTRY.fullmatch(line.rstrip()):
            name = entry[1].lower()
            found[name] = _values(entry[2] or "")
        elif name and (item := _ITEM.fullmatch(line.rstrip())):
            if (value := _plain(item[1])) and len(found[name]) < _MOST_ITEMS:
                found[name].append(value)
        elif line.strip() and not line.startswith((" ", "\t")):
            name = ""
    return {key: tuple(values) for key, values in found.items() if values}


def _values(text: str) -> list[str]:
    text = text.strip()
    if text.startswith("[") and text.endswith("]"):
        return [value for part in text[1:-1].split(",")[:_MOST_ITEMS] if (value := _plain(part))]
    return [value] if (value := _plain(text)) else []


def _plain(text: str) -> str:
    """A value without quotes and remarks; empty if it is more than a plain one."""
    text = text.strip()
    if text[:1] in {'"', "'"} and text.find(text[0], 1) > 0:
        text = text[1 : text.find(text[0], 1)]
    else:
        text = re.sub(r"\s+#.*", "", text)
        if text[:1] in set("{}[]&*!|>%@`") or re.match(r"[\w-]+:\s", text):
            return ""
    return "".join(letter for letter in text[:_LONGEST] if letter.isprintable())
