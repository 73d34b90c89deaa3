"""Calls of tools that are no JSON: tags around every argument, Python, and Gemma's own notation."""

import ast
import json
import re
from typing import Any, Final

from engine.plugins.api import ToolCall

MAX_PYTHON_CHARS: Final = 16 << 10

_TAGGED: Final = re.compile(
    r"""(?:<function=|<invoke\s+name=)["']?(?P<name>[\w.-]{1,128})["']?>(?P<body>.*?)(?:</function>|</invoke>|\Z)""",
    re.DOTALL,
)
_PARAMETER: Final = re.compile(r"""<parameter(?:=|\s+name=)["']?(?P<key>[\w.-]{1,128})["']?>\n?""")
_PAIRED: Final = re.compile(r"(?P<name>[\w.-]{1,128})\s*(?P<body>(?:<arg_key>.*)?)\Z", re.DOTALL)
_PAIR: Final = re.compile(r"<arg_key>\s*(?P<key>[\w.-]{1,128})\s*</arg_key>\s*<arg_value>")
_NAME_AND_JSON: Final = re.compile(r"(?P<name>[\w.-]{1,128})>\s*(?P<json>\{.*\})\s*\Z", re.DOTALL)
_GEMMA: Final = re.compile(r"call:(?P<name>[\w.-]{1,128})(?=\{)")
_GEMMA_QUOTE: Final = '<|"|>'
_GEMMA_KEY: Final = re.compile(r'\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[\w.-]+))\s*:')
_GEMMA_ATOM: Final = re.compile(r"[^,\]}]+")


def tagged_calls(text: str) -> list[ToolCall] | None:
    """Calls whose arguments stand in tags (Qwen3-Coder, Seed-OSS, MiniMax, GLM), or whose name stands in one.

    Raises:
        ValueError: an argument list is damaged.
    """
    calls = []
    for found in _TAGGED.finditer(text):
        body = found["body"].strip()
        if body.startswith("{"):  # <function=name>{...}</function>
            calls.append(ToolCall(found["name"], _object(body)))
        else:
            values = _parameters(_PARAMETER, "</parameter>", body)
            if body and not values:
                raise ValueError("the arguments are in no tags")
            calls.append(ToolCall(found["name"], values))
    if calls:
        return calls
    if named := _NAME_AND_JSON.match(text):  # the mark has taken `<function=` away
        return [ToolCall(named["name"], _object(named["json"]))]
    if paired := _PAIRED.match(text):
        pairs = _parameters(_PAIR, "</arg_value>", paired["body"])
        if pairs or not paired["body"]:
            return [ToolCall(paired["name"], pairs)]
    return None


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("the arguments are no object")
    return value


def _parameters(opening: re.Pattern[str], closing: str, body: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    place = 0
    while found := opening.search(body, place):
        place = body.find(closing, found.end())
        if place < 0:
            raise ValueError("an argument has no end")
        values[found["key"]] = _loose(body[found.end() : place].removesuffix("\n"))
    return values


def _loose(text: str) -> Any:
    """A value without quotes around texts: JSON if it is a number, a list, an object or a word of JSON, else text."""
    bare = text.strip()
    if bare in {"true", "false", "null"} or bare[:1] in {"[", "{"} or re.fullmatch(r"-?\d+(\.\d+)?", bare):
        try:
            return json.loads(bare)
        except ValueError:
            return text
    return text


def pythonic_calls(text: str) -> list[ToolCall] | None:
    """Calls written as Python: `[weather(city="Paris"), time()]`, with constants as arguments.

    Raises:
        ValueError: it is no Python, or an argument is no constant.
    """
    if len(text) > MAX_PYTHON_CHARS:
        return None
    bare = re.sub(r"^```(?:python|tool_code)?\s*|\s*```$", "", text).strip()
    try:
        tree = ast.parse(bare, mode="eval").body
    except SyntaxError:
        return None
    nodes = tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]
    calls = []
    for node in nodes:
        if not isinstance(node, ast.Call) or node.args or any(item.arg is None for item in node.keywords):
            return None
        name = ast.unparse(node.func)
        if not re.fullmatch(r"[\w.]{1,128}", name):
            return None
        calls.append(ToolCall(name, {str(item.arg): _constant(item.value) for item in node.keywords}))
    return calls or None


def _constant(node: ast.expr) -> Any:
    value = ast.literal_eval(node)
    return json.loads(json.dumps(value))  # what JSON cannot hold is refused, tuples become lists


def gemma_calls(text: str) -> list[ToolCall] | None:
    """Calls as Gemma 4 writes them: `call:weather{city:<|"|>Paris<|"|>,days:3}`.

    Raises:
        ValueError: the arguments are damaged.
    """
    calls = []
    place = 0
    while found := _GEMMA.search(text, place):
        arguments, place = _gemma_object(text, found.end())
        calls.append(ToolCall(found["name"], arguments))
    return calls or None


def _gemma_object(text: str, place: int) -> tuple[dict[str, Any], int]:
    items: dict[str, Any] = {}
    place += 1  # past the brace
    while text[place : place + 1] != "}":
        place = place + 1 if text[place : place + 1] == "," else place
        if text.startswith(_GEMMA_QUOTE, place):
            key, place = _gemma_text(text, place)
            place = text.index(":", place) + 1
        else:
            found = _GEMMA_KEY.match(text, place)
            if found is None:
                raise ValueError("a key is missing")
            key, place = found["quoted"] or found["bare"], found.end()
        items[key], place = _gemma_value(text, place)
    return items, place + 1


def _gemma_value(text: str, place: int) -> tuple[Any, int]:
    while text[place : place + 1].isspace():
        place += 1
    if text.startswith(_GEMMA_QUOTE, place):
        return _gemma_text(text, place)
    if text.startswith("{", place):
        return _gemma_object(text, place)
    if text.startswith("[", place):
        return _gemma_list(text, place)
    if text.startswith('"', place):
        return json.JSONDecoder().raw_decode(text, place)
    found = _GEMMA_ATOM.match(text, place)
    if found is None:
        raise ValueError("a value is missing")
    return _loose(found[0]), found.end()


def _gemma_list(text: str, place: int) -> tuple[list[Any], int]:
    items: list[Any] = []
    place += 1
    while text[place : place + 1] != "]":
        place = place + 1 if text[place : place + 1] == "," else place
        value, place = _gemma_value(text, place)
        items.append(value)
    return items, place + 1


def _gemma_text(text: str, place: int) -> tuple[str, int]:
    start = place + len(_GEMMA_QUOTE)
    end = text.index(_GEMMA_QUOTE, start)
    return text[start:end], end + len(_GEMMA_QUOTE)
