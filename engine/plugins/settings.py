"""Settings of plugins: what a value must be to go into a field."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from engine.errors import InvalidRequestError
from engine.plugins.contract.values import Field, Kind, Value, Values

SETTING_KINDS: Final = frozenset(
    {Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.FLAG, Kind.CHOICE, Kind.MODEL, Kind.MODELS}
)  # those that TOML and JSON can hold
MAX_TEXT: Final = 10_000  # characters of a text whose field sets no bound


def check_value(field: Field, value: object) -> Value:
    """The value as its field holds it: a whole number in a NUMBER becomes a float, a list a tuple.

    Raises:
        InvalidRequestError: it is of the wrong type, or out of range.
    """
    if field.kind in {Kind.TEXT, Kind.MARKDOWN, Kind.MODEL}:
        return _text(field, value)
    if field.kind is Kind.FLAG:
        if isinstance(value, bool):
            return value
        raise _wrong(field, "must be true or false")
    if field.kind in {Kind.INTEGER, Kind.NUMBER}:
        return _number(field, value)
    if field.kind is Kind.CHOICE:
        if isinstance(value, str) and value in field.choices:
            return value
        raise _wrong(field, f"must be one of {', '.join(field.choices)}")
    if field.kind is Kind.MODELS:
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise _wrong(field, "must be a list of models")
    raise _wrong(field, f"is a {field.kind}, which no setting can be")


def check_values(fields: Sequence[Field], values: Mapping[str, object]) -> Values:
    """Values of settings that are in order; those that are not given keep their default.

    Raises:
        InvalidRequestError: a value is wrong, or there is no such field.
    """
    known = {field.name: field for field in fields}
    if unknown := sorted(values.keys() - known.keys()):
        raise InvalidRequestError(f"There is no setting {unknown[0]}.", f"Known are: {', '.join(known) or 'none'}.")
    filled = {name: field.default for name, field in known.items() if field.default is not None}
    return {**filled, **{name: check_value(known[name], value) for name, value in values.items()}}


def usable_values(fields: Sequence[Field], values: Mapping[str, object]) -> Values:
    """What can still be used of values that were stored for an earlier version of the fields; the rest by default."""
    kept: dict[str, object] = {}
    for field in fields:
        try:
            if field.name in values:
                kept[field.name] = check_value(field, values[field.name])
        except InvalidRequestError:
            continue
    return check_values(fields, kept)


def _text(field: Field, value: object) -> str:
    most = MAX_TEXT if field.most is None else int(field.most)
    if not isinstance(value, str):
        raise _wrong(field, "must be a text")
    if len(value) > most:
        raise _wrong(field, f"has {len(value):,} characters, but may have {most:,}")
    if not field.multiline and ("\n" in value or "\r" in value):
        raise _wrong(field, "must be one line")
    return value


def _number(field: Field, value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(field, "must be a number")
    if field.kind is Kind.INTEGER and not isinstance(value, int):
        raise _wrong(field, "must be a whole number")
    if isinstance(value, float) and not math.isfinite(value):
        raise _wrong(field, "must be a finite number")
    if field.least is not None and value < field.least:
        raise _wrong(field, f"must be at least {field.least:g}")
    if field.most is not None and value > field.most:
        raise _wrong(field, f"must be at most {field.most:g}")
    if field.kind is Kind.INTEGER or isinstance(value, float):
        return value
    if abs(value) > 1 << 53:
        raise _wrong(field, "is too large")
    return float(value)


def _wrong(field: Field, what: str) -> InvalidRequestError:
    return InvalidRequestError(f"{field.title or field.name} {what}.")
