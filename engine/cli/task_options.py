"""Options of a task: made from its fields, read from what follows its name."""

import stat
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from engine.errors import InvalidRequestError
from engine.plugins.contract.values import Field, InputFile, Kind, Value
from engine.tasks.inputs import MAX_FILE_BYTES, MAX_TEXT_CHARS, parse

_FILES: Final = frozenset({Kind.FILE, Kind.IMAGE})


def option_name(field: Field) -> str:
    """`--max-words` for a field called `max_words`."""
    return f"--{field.name.replace('_', '-')}"


def read_options(fields: Sequence[Field], arguments: Sequence[str]) -> Mapping[str, Value]:
    """Read the values of fields from arguments; several for one field of models are joined.

    Args:
        fields: inputs of the task.
        arguments: `--name VALUE`, `--name=VALUE`; of a flag also `--name` and `--no-name`.

    Raises:
        InvalidRequestError: an option is unknown, stands twice, lacks its value, or has a wrong one.
    """
    by_name = {option_name(field): field for field in fields}
    texts: dict[str, str] = {}
    for option, text in _pairs(by_name, arguments):
        field = by_name[option]
        if field.name in texts:
            if field.kind is not Kind.MODELS:
                raise InvalidRequestError(f"{option} is given twice.", "Give it once.")
            text = f"{texts[field.name]},{text}"
        texts[field.name] = text
    if sum(text == "-" for text in texts.values()) > 1:
        raise InvalidRequestError("Standard input (-) is given for two options.", "Give a file for one of them.")
    return {field.name: _value(field, texts[field.name]) for field in fields if field.name in texts}


def _pairs(by_name: Mapping[str, Field], arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Option and text of each."""
    rest = iter(arguments)
    for argument in rest:
        name, mark, text = argument.partition("=")
        option = name.replace("_", "-")
        if option.startswith("--no-") and option not in by_name and not mark:
            positive = f"--{option.removeprefix('--no-')}"
            if positive in by_name and by_name[positive].kind is Kind.FLAG:
                yield positive, "no"
                continue
        if option not in by_name:
            known = ", ".join(by_name) or "none"
            raise InvalidRequestError(f"The task has no option {argument!r}.", f"Its options are: {known}.")
        if mark:
            yield option, text
        elif by_name[option].kind is Kind.FLAG:
            yield option, "yes"
        else:
            yield option, _following(option, rest)


def _following(option: str, rest: Iterable[str]) -> str:
    for text in rest:
        return text
    raise InvalidRequestError(f"{option} has no value.", f"Write one behind it, as in `{option} VALUE`.")


def _value(field: Field, text: str) -> Value:
    if field.kind in _FILES:
        return _file(text)
    if field.kind is Kind.TEXT and text == "-":
        data = _bounded(sys.stdin.buffer, "Standard input", 4 * MAX_TEXT_CHARS)
        text = data.decode(errors="replace")
    return parse(field, text)


def _file(text: str) -> InputFile:
    if text == "-":
        return InputFile("stdin", _bounded(sys.stdin.buffer, "Standard input", MAX_FILE_BYTES))
    path = Path(text).expanduser()
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InvalidRequestError(f"{path} is no file.", "Give a file.")
        with path.open("rb") as stream:
            return InputFile(path.name, _bounded(stream, path.name, MAX_FILE_BYTES))
    except OSError as error:
        raise InvalidRequestError(f"{path} cannot be read: {error.strerror}.", "Give another file.") from error


def _bounded(stream: BinaryIO, name: str, most_bytes: int) -> bytes:
    data = stream.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise InvalidRequestError(f"{name} is larger than {most_bytes >> 20} MiB.", "Give less.")
    return data
