"""Values of fields: complete, checked, and read from text."""

import math
from collections.abc import Iterable
from typing import Final

from engine.errors import InvalidRequestError
from engine.plugins.contract.values import Field, InputFile, Kind, Table, Value, Values

MAX_TEXT_CHARS: Final = 16 << 20
MAX_FILE_BYTES: Final = 64 << 20

_TYPES: Final[dict[Kind, tuple[type, ...]]] = {
    Kind.TEXT: (str,),
    Kind.MARKDOWN: (str,),
    Kind.INTEGER: (int,),
    Kind.NUMBER: (float, int),
    Kind.FLAG: (bool,),
    Kind.CHOICE: (str,),
    Kind.FILE: (InputFile,),
    Kind.IMAGE: (InputFile,),
    Kind.MODEL: (str,),
    Kind.MODELS: (tuple,),
    Kind.TABLE: (Table,),
}
_NAMES: Final = {
    Kind.TEXT: "text",
    Kind.MARKDOWN: "text",
    Kind.INTEGER: "a whole number",
    Kind.NUMBER: "a number",
    Kind.FLAG: "yes or no",
    Kind.CHOICE: "one of its choices",
    Kind.FILE: "a file",
    Kind.IMAGE: "a picture",
    Kind.MODEL: "a model",
    Kind.MODELS: "one or more models",
    Kind.TABLE: "a table",
}
_YES: Final = frozenset({"1", "yes", "true", "on"})
_NO: Final = frozenset({"0", "no", "false", "off"})


def complete(fields: Iterable[Field], values: Values) -> dict[str, Value]:
    """Check values against fields and add the defaults of those that are missing.

    Raises:
        InvalidRequestError: a field is unknown, missing, of the wrong type, or out of range; names it.
    """
    known = {field.name: field for field in fields}
    if unknown := sorted(values.keys() - known.keys()):
        names = ", ".join(known) or "none"
        raise InvalidRequestError(f"There is no field called {unknown[0]}.", f"The fields are: {names}.")
    done: dict[str, Value] = {}
    for name, field in known.items():
        value = values.get(name, field.default)
        if value is None or (field.required and _is_empty(field, value)):
            if field.required:
                raise InvalidRequestError(f"{field.title} is missing.", f"Give {_NAMES[field.kind]}.")
            continue
        done[name] = check(field, value)
    return done


def check(field: Field, value: Value) -> Value:
    """Check one value; a whole number is taken where a number is wanted.

    Raises:
        InvalidRequestError: it is of the wrong type, or out of range.
    """
    wanted = _TYPES[field.kind]
    if not isinstance(value, wanted) or (isinstance(value, bool) and field.kind is not Kind.FLAG):
        raise InvalidRequestError(f"{field.title} is not {_NAMES[field.kind]}.", f"Give {_NAMES[field.kind]}.")
    if field.kind is Kind.NUMBER:
        value = float(value)  # type: ignore[arg-type]  # the line above has made sure
    if field.kind is Kind.CHOICE and value not in field.choices:
        raise InvalidRequestError(
            f"{field.title} is {value!r}, which is no choice.", f"Choose one of {', '.join(field.choices)}."
        )
    if field.kind is Kind.MODELS and not all(isinstance(item, str) for item in value):  # type: ignore[union-attr]
        raise InvalidRequestError(f"{field.title} must be names of models.", "Give their ids.")
    _check_size(field, value)
    return value


def parse(field: Field, text: str) -> Value:
    """Read a value from text, as a command line gives it; FILE and IMAGE are no text.

    Raises:
        InvalidRequestError: it cannot be read as what the field holds, or is out of range.
    """
    if field.kind in {Kind.FILE, Kind.IMAGE, Kind.TABLE}:
        raise InvalidRequestError(f"{field.title} is {_NAMES[field.kind]}, no text.", "Give a file.")
    value: Value = text
    try:
        if field.kind is Kind.INTEGER:
            value = int(text)
        elif field.kind is Kind.NUMBER:
            value = float(text)
    except ValueError as error:
        raise InvalidRequestError(
            f"{field.title} is {text!r}, which is not {_NAMES[field.kind]}.", f"Give {_NAMES[field.kind]}."
        ) from error
    if field.kind is Kind.FLAG:
        if text.lower() not in _YES | _NO:
            raise InvalidRequestError(f"{field.title} is {text!r}, neither yes nor no.", "Say yes or no.")
        value = text.lower() in _YES
    if field.kind is Kind.MODELS:
        value = tuple(part.strip() for part in text.split(",") if part.strip())
    return check(field, value)


def shown(number: float | None) -> str:
    """A number as people write it: whole ones in full, others with six digits."""
    return "" if number is None else f"{int(number):,}" if float(number).is_integer() else f"{number:g}"


def _is_empty(field: Field, value: object) -> bool:
    return value in {"", ()} if field.kind in {Kind.TEXT, Kind.MODEL, Kind.MODELS} else False


def _check_size(field: Field, value: Value) -> None:
    if isinstance(value, str):
        most = int(field.most) if field.most is not None and field.kind is Kind.TEXT else MAX_TEXT_CHARS
        if len(value) > most:
            raise InvalidRequestError(f"{field.title} has {len(value):,} characters.", f"At most {most:,} are allowed.")
    elif isinstance(value, InputFile):
        if len(value.data) > MAX_FILE_BYTES:
            raise InvalidRequestError(f"{value.name} is larger than {MAX_FILE_BYTES >> 20} MiB.", "Give a smaller one.")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        low = field.least if field.least is not None else -math.inf
        high = field.most if field.most is not None else math.inf
        if not low <= value <= high:  # not a number is not in any range
            raise InvalidRequestError(f"{field.title} is {shown(value)}.", f"It must be {_range(field)}.")


def _range(field: Field) -> str:
    if field.least is None and field.most is None:
        return "a finite number"
    if field.most is None:
        return f"at least {shown(field.least)}"
    return f"{'at most' if field.least is None else f'from {shown(field.least)} to'} {shown(field.most)}"
