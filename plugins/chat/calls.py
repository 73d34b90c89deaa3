"""Reads calls of tools out of what models write: JSON in its many wrappings first, then the syntaxes without JSON."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from engine.plugins.api import InvalidRequestError, ToolCall
from plugins.chat.call_texts import gemma_calls, pythonic_calls, tagged_calls

MAX_BLOCK_CHARS: Final = 64 << 10
MAX_CALLS: Final = 64
MAX_NAME_CHARS: Final = 128

_NAMES: Final = ("name", "tool_name", "function_name", "tool", "function")
_BESIDE_NAMES: Final = frozenset({*_NAMES, "id", "type", "tool_call_id", "call_id", "index"})
_ARGUMENTS: Final = ("arguments", "parameters", "args", "tool_args", "input")
_OPENINGS: Final = ("", '{"name": "', '{"type": "function"', '{"function": "')
"""What a span may have taken off the front of a block, as its mark."""
_FENCE: Final = re.compile(r"^```[a-zA-Z_]*\s*|\s*```$")
_NO_CALL: Final = frozenset({"directly-answer", "directly_answer"})
"""Command R's way to say in a list of calls that it calls nothing."""
_NAMED: Final = re.compile(
    r"""(?:<｜tool▁call▁begin｜>|<\|tool_call_begin\|>|\[TOOL_CALLS\]|>>>)?\s*
        (?:function\s*<｜tool▁sep｜>\s*)?
        (?:functions\.)?(?P<name>[A-Za-z_][\w.-]{0,127})(?::\d+)?\s*
        (?:(?:<\|[a-z_]+\|>|<｜tool▁sep｜>|\[CALL_ID\]\w+|\[ARGS\]|json\b|code\b|commentary\b|```(?:json\b)?|>)\s*)*
        (?=\{)""",
    re.VERBOSE,
)
"""A name and the marks between it and the JSON object of its arguments."""
_BETWEEN: Final = re.compile(
    r"(?:[\s,;\]]|</?tool_calls?>|<\|/?tool_call\|>|\[TOOL_CALLS\]|```(?:json\b)?|<\|[a-z_]*end\|>|<｜tool▁calls?▁end｜>)*"
)
"""What may stand between two calls."""


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_no_number)


def read_calls(blocks: Sequence[str]) -> list[ToolCall]:
    """Read the calls in what stood between the marks of tool calls.

    Raises:
        InvalidRequestError: a block holds no call, or is absurdly long; says which.
    """
    calls: list[ToolCall] = []
    for block in blocks:
        if len(block) > MAX_BLOCK_CHARS:
            raise InvalidRequestError(f"A call of a tool has {len(block):,} characters.", "Ask again.")
        found = _calls_in(block)
        if found is None:
            raise InvalidRequestError(f"The model wrote no readable call: {_shown(block)}.", "Ask again.")
        calls += found
    if len(calls) > MAX_CALLS:
        raise InvalidRequestError(f"The model asks for {len(calls)} calls at once.", "Ask again.")
    return calls


def _calls_in(block: str) -> list[ToolCall] | None:
    """Calls of one block; None if no reader makes sense of it, empty if it says that nothing is called."""
    for read in _READERS:
        try:
            found = read(block.strip())
        except (ValueError, TypeError, RecursionError, MemoryError):
            continue
        if found is not None:
            return [call for call in found if call.name not in _NO_CALL]
    return None


def _json_calls(text: str) -> list[ToolCall] | None:
    bare = _FENCE.sub("", text).strip()
    for opening in _OPENINGS:
        try:
            calls = _from_values(opening + bare)
        except ValueError:
            continue
        if calls:
            return calls
    return None


def _from_values(text: str) -> list[ToolCall] | None:
    """Calls of one JSON value, or of several one after the other; None if anything in them is no call."""
    calls: list[ToolCall] = []
    for value in _values(text):
        for item in value if isinstance(value, list) else [value]:
            call = _call_of(item)
            if call is None:
                return None
            calls.append(call)
    return calls


def _values(text: str) -> Iterator[Any]:
    """JSON values of a text, separated by space, commas, semicolons or marks of calls.

    Raises:
        ValueError: something else stands between them.
    """
    place = _skip(text, 0)
    while place < len(text):
        value, place = _DECODER.raw_decode(text, place)
        yield value
        place = _skip(text, place)


def _skip(text: str, place: int) -> int:
    found = _BETWEEN.match(text, place)
    return found.end() if found else place


def _call_of(item: object) -> ToolCall | None:
    if not isinstance(item, dict):
        return None
    if isinstance(item.get("function"), dict):  # as the OpenAI API writes it
        return _call_of(item["function"])
    name = next((item[key] for key in _NAMES if isinstance(item.get(key), str)), None)
    if name is None or not 0 < len(name) <= MAX_NAME_CHARS:
        return None
    given: object = next((item[key] for key in _ARGUMENTS if key in item), None)
    if given is None and item.keys() - _BESIDE_NAMES:  # some other object that happens to have a name
        return None
    arguments = _arguments_of(given)
    return None if arguments is None else ToolCall(_bare_name(name), arguments)


def _arguments_of(value: object) -> Mapping[str, Any] | None:
    """Arguments as a dictionary: what is one, or JSON text of one; None for everything else.

    Raises:
        ValueError: text that is no JSON.
    """
    if isinstance(value, str):
        value = json.loads(value) if value.strip() else {}
    if value is None:
        return {}
    return value if isinstance(value, dict) else None


def _named_calls(text: str) -> list[ToolCall] | None:
    """Calls written as a name, marks, and the JSON of the arguments (Mistral, DeepSeek, Kimi, gpt-oss, Functionary)."""
    calls: list[ToolCall] = []
    place = 0
    while place < len(text):
        found = _NAMED.match(text, place)
        if found is None:
            return None
        arguments, place = _DECODER.raw_decode(text, found.end())
        if not isinstance(arguments, dict):
            return None
        calls.append(ToolCall(_bare_name(found["name"]), arguments))
        place = _skip(text, place)
    return calls or None


def _bare_name(name: str) -> str:
    return name.removeprefix("functions.")


def _shown(block: str) -> str:
    text = " ".join(block.split())
    return text if len(text) <= 60 else f"{text[:57]}..."


_READERS: Final[tuple[Callable[[str], list[ToolCall] | None], ...]] = (
    _json_calls, gemma_calls, tagged_calls, _named_calls, pythonic_calls,
)  # fmt: skip
