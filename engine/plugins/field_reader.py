"""Reads the `[[settings]]` of a manifest: tables with the keys of `Field`."""

import keyword
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final

from engine.errors import InvalidRequestError
from engine.plugins.contract.values import Field, Kind
from engine.plugins.settings import SETTING_KINDS, check_value
from engine.requests import Accepts

MAX_CHOICES: Final = 100

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_KINDS: Final = frozenset(kind.value for kind in SETTING_KINDS)
_KEYS: Final = tuple(field.name for field in fields(Field))


def one_line(value: object, most: int, least: int = 0) -> str:
    """A text that can be shown in one line.

    Raises:
        ValueError: says what is wrong with it, as the rest of a sentence.
    """
    # Not printable are line breaks, what moves a terminal's cursor, and marks that turn the direction of writing.
    if not isinstance(value, str) or not least <= len(value) <= most or not value.isprintable():
        raise ValueError(f"must be a text of {least} to {most} characters in one line")
    if value != value.strip():
        raise ValueError("must not begin or end with a space")
    return value


def texts(value: object, most_items: int, most: int) -> tuple[str, ...]:
    """A list of texts without repetition.

    Raises:
        ValueError: says what is wrong with it, as the rest of a sentence.
    """
    if not isinstance(value, list) or len(value) > most_items:
        raise ValueError(f"must be a list of up to {most_items} texts")
    items = tuple(one_line(item, most, 1) for item in value)
    if len(set(items)) != len(items):
        raise ValueError("must not name anything twice")
    return items


def read_field(table: Mapping[str, object]) -> Field:
    """Make a setting of a table.

    Raises:
        ValueError: says in one sentence which key is wrong, and what it must be.
    """
    if unknown := sorted(table.keys() - set(_KEYS)):
        raise ValueError(f"has the unknown key {unknown[0]!r}; known are {', '.join(_KEYS)}")
    if missing := [key for key in ("name", "title", "default") if key not in table]:
        raise ValueError(f"has no `{missing[0]}`")
    values: dict[str, Any] = {key: _read(key, value) for key, value in table.items()}
    default = values.pop("default")
    field = Field(**values)
    _check_agreement(field)
    try:
        checked = check_value(field, default)
    except InvalidRequestError as error:
        raise ValueError(f"has a `default` that it could not hold: {error.cause[:-1]}") from None
    if not isinstance(checked, str | int | float | tuple):
        raise ValueError("has a `default` that no setting can hold")
    return Field(**{**values, "default": checked})


def _read(key: str, value: object) -> Any:
    try:
        return _READERS[key](value)
    except ValueError as error:
        raise ValueError(f"has a wrong `{key}`: it {error}") from None


def _check_agreement(field: Field) -> None:
    if (field.kind is Kind.CHOICE) != bool(field.choices):
        raise ValueError("must list `choices` if it is a choice, and only then")
    if field.least is not None and field.most is not None and field.least > field.most:
        raise ValueError("has a `least` above its `most`")
    if field.least is not None and field.kind not in {Kind.INTEGER, Kind.NUMBER}:
        raise ValueError("has a `least`, but is no number")
    if field.most is not None and field.kind not in {Kind.INTEGER, Kind.NUMBER, Kind.TEXT}:
        raise ValueError("has a `most`, but is neither a number nor a text")
    if field.most is not None and field.kind is Kind.TEXT and field.most < 0:
        raise ValueError("has a `most` below 0")


def _name(value: object) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value) or keyword.iskeyword(value):
        raise ValueError("must be lower case letters, digits and underscores, beginning with a letter, 40 at most")
    return value


def _kind(value: object) -> Kind:
    if not isinstance(value, str) or value not in _KINDS:
        raise ValueError(f"must be one of {', '.join(sorted(SETTING_KINDS))}")
    return Kind(value)


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _bound(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1 << 53 or math.isnan(value):
        raise ValueError("must be a number")
    return float(value)


def _accepts(value: object) -> str:
    if not isinstance(value, str) or (value and value not in {form.value for form in Accepts}):
        raise ValueError(f"must be one of {', '.join(Accepts)}")
    return value


def _suffixes(value: object) -> tuple[str, ...]:
    found = texts(value, 20, 20)
    if not all(suffix.startswith(".") for suffix in found):
        raise ValueError("must list endings with their dot")
    return found


_READERS: Final[Mapping[str, Callable[[object], object]]] = {
    "name": _name,
    "title": lambda value: one_line(value, 60, 1),
    "kind": _kind,
    "help": lambda value: one_line(value, 300),
    "default": lambda value: value,
    "required": _flag,
    "choices": lambda value: texts(value, MAX_CHOICES, 60),
    "least": _bound,
    "most": _bound,
    "multiline": _flag,
    "accepts": _accepts,
    "suffixes": _suffixes,
}
