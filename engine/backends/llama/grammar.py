"""The gate for grammars and JSON schemas: nothing reaches native code that it cannot survive."""

import json
import math
from typing import Final

from engine.backends.llama.gbnf import Gbnf
from engine.backends.llama.json_schema import MAX_DEPTH, SchemaConverter
from engine.errors import GrammarError

MAX_BYTES: Final = 64 << 10
MAX_GENERATED_BYTES: Final = 512 << 10


def check_grammar(text: str) -> str:
    """Check a GBNF grammar.

    Returns:
        The same grammar.

    Raises:
        GrammarError: it is too long, not GBNF, nested or repeated too much, or not well-founded; says where.
    """
    return _check(text, MAX_BYTES)


def grammar_from_schema(schema_json: str) -> str:
    """Turn a JSON schema into a GBNF grammar whose every answer satisfies the schema.

    The grammar may be narrower than the schema (properties come in the order of the schema, additional ones do not
    come at all), but never wider: a keyword that cannot be kept is an error.

    Args:
        schema_json: the schema as JSON text, at most 64 KiB.

    Raises:
        GrammarError: the schema is not JSON, too large, or has a part that cannot be kept; names it.
    """
    if len(schema_json.encode(errors="replace")) > MAX_BYTES:
        raise GrammarError(f"The JSON schema is longer than {MAX_BYTES >> 10} KiB.", "Shorten it.")
    try:
        schema = json.loads(schema_json, parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise GrammarError(f"The JSON schema is not valid JSON: {error}.", "Correct it.") from error
    _check_depth(schema)
    return _check(SchemaConverter(schema).convert(), MAX_GENERATED_BYTES)


def _check(text: str, most_bytes: int) -> str:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise GrammarError("The grammar contains half of a surrogate pair.", "Write the whole character.") from error
    if size > most_bytes:
        raise GrammarError(f"The grammar is longer than {most_bytes >> 10} KiB.", "Shorten it.")
    if "\0" in text:
        raise GrammarError("The grammar contains a zero character.", r"Write it as \x00.")
    Gbnf(text).check()
    return text


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse(text)
    return value


def _check_depth(schema: object) -> None:
    pending = [(schema, 1)]
    while pending:
        value, depth = pending.pop()
        if depth > MAX_DEPTH:
            raise GrammarError(f"The JSON schema is nested more than {MAX_DEPTH} levels deep.", "Make it flatter.")
        if isinstance(value, dict):
            pending.extend((part, depth + 1) for part in value.values())
        elif isinstance(value, list):
            pending.extend((part, depth + 1) for part in value)
