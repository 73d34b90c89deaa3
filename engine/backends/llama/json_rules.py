"""Fixed GBNF rules of JSON, and the pieces that converted schemas are made of."""

import json
import re
from typing import Final

JSON_RULES: Final[dict[str, str]] = {
    "boolean": '"true" | "false"',
    "null": '"null"',
    "integer": '"-"? ("0" | [1-9] [0-9]{0,14})',
    "number": '"-"? natural',
    "natural": '("0" | [1-9] [0-9]{0,14}) ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,2})?',
    "char": r'[^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" codepoint)',
    "codepoint": "[0-9a-cA-CefEF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}",  # no half of a surrogate pair
    "string": r'"\"" char* "\""',
    "array": '"[" space (value ("," space value)*)? space "]"',
    "object": '"{" space (pair ("," space pair)*)? space "}"',
    "pair": 'string ":" space value',
    "value": "object | array | string | number | boolean | null",
    "space": '" "?',
    "date": '[0-9]{4} "-" (("0" [13578] | "1" [02]) "-" (day | "29" | "30" | "31")'
    ' | ("0" [469] | "11") "-" (day | "29" | "30") | "02-" day)',
    "day": '"0" [1-9] | "1" [0-9] | "2" [0-8]',
    "time": 'hour ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{1,6})? ("Z" | [-+] hour ":" [0-5] [0-9])',
    "hour": '[01] [0-9] | "2" [0-3]',
    "uuid": '[0-9a-fA-F]{8} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{4} "-" [0-9a-fA-F]{12}',
}
"""Rule name -> body. February has 28 days: every date is one, though not every one is a date here."""

STRING_FORMATS: Final = {"date": "date", "time": "time", "date-time": 'date "T" time', "uuid": "uuid"}
"""Formats of strings that are kept -> body; the others are taken as remarks, as JSON schema does."""

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\[(?:[^\]\\]|\\.)*\]|([a-z]+)')
_SURROGATE = re.compile("[\ud800-\udfff]")


def fixed_rules_in(body: str) -> list[str]:
    """Names of the fixed rules that a body uses."""
    return [found[1] for found in _WORD.finditer(body) if found[1] in JSON_RULES]


def json_literal(value: object) -> str:
    """A GBNF literal of a JSON value."""
    text = json.dumps(value, ensure_ascii=False)
    text = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def separated(item: str, least: int, most: int | None) -> str:
    """So many items with commas between them; `most` None is any number."""
    if most == 0:
        return '""'
    rest = f'("," space {item}){{{max(least - 1, 0)},{"" if most is None else most - 1}}}'
    return f"{item} {rest}" if least else f"({item} {rest})?"
