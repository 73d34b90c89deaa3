"""Methods of texts, lists and dictionaries that chat templates may call, each with its cost checked first."""

import re
import string
from collections.abc import Callable, Mapping
from typing import Final

from jinja2.exceptions import SecurityError

from engine.templates.budget import ITEM_BYTES, TemplateBudget, too_much

MAX_WIDTH: Final = 1_000
MAX_STRIP_CHARS: Final = 64
MAX_SPLIT_CHARS: Final = 4 << 20

_PLAIN_TEXT: Final = frozenset({
    "capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha", "isdecimal", "isdigit",
    "islower", "isnumeric", "isspace", "istitle", "isupper", "lower", "partition", "removeprefix", "removesuffix",
    "rfind", "rindex", "rpartition", "startswith", "swapcase", "title", "upper",
})  # fmt: skip
_ATTRIBUTES: Final[dict[type, frozenset[str]]] = {
    str: _PLAIN_TEXT | {"center", "format", "join", "ljust", "lstrip", "replace", "rjust", "rsplit", "rstrip", "split",
                        "splitlines", "strip", "zfill"},
    list: frozenset({"copy", "count", "index"}),
    tuple: frozenset({"count", "index"}),
    dict: frozenset({"copy", "get", "items", "keys", "values"}),
}  # fmt: skip
_SPEC = re.compile(r"[^{}0-9]{0,4}[0-9]{0,3}[,_]?(\.[0-9]{1,3})?[a-zA-Z%]?")


def is_allowed(owner: object, name: str) -> bool:
    """Whether a template may use this method of this value; False for every other kind of value."""
    return name in _ATTRIBUTES.get(type(owner), ())


def has_methods(owner: object) -> bool:
    """Whether this is a value whose methods go through `call_method`."""
    return type(owner) in _ATTRIBUTES


def call_method(
    budget: TemplateBudget, method: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]
) -> object:
    """Call a bound method of a text, list, tuple or dictionary.

    Raises:
        TemplateError: it would take too much time or memory.
        SecurityError: templates may not call it.
    """
    owner: object = getattr(method, "__self__", None)
    name = method.__name__
    if not is_allowed(owner, name):
        raise SecurityError(f"the method {name} is not allowed")
    for arg in (*args, *kwargs.values()):
        budget.measure(arg)
    if isinstance(owner, str):
        _check_text(budget, owner, name, args, kwargs)
    elif name in {"count", "index"}:
        budget.measure(owner)
    elif name == "copy":
        budget.take(ITEM_BYTES * len(method.__self__))  # type: ignore[attr-defined]
    return method(*args, **kwargs)


def _check_text(
    budget: TemplateBudget, text: str, name: str, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> None:
    """Take what the result of a text method may need at most."""
    budget.take(4 * len(text))
    first = args[0] if args else next(iter(kwargs.values()), None)
    if name in {"split", "rsplit", "splitlines"}:
        _check_split(budget, text, first)
    elif name in {"strip", "lstrip", "rstrip"}:
        if isinstance(first, str) and len(first) > MAX_STRIP_CHARS:
            raise too_much("strips too many different characters")
    elif name in {"center", "ljust", "rjust", "zfill"}:
        if isinstance(first, int) and first > MAX_WIDTH:
            raise too_much("pads texts too far")
    elif name == "join":
        check_join(budget, text, first)
    elif name == "replace":
        check_replace(budget, text, args, kwargs)
    elif name == "format":
        _check_format(budget, text, args, kwargs)


def _check_split(budget: TemplateBudget, text: str, separator: object) -> None:
    if isinstance(separator, str) and separator:
        budget.take(ITEM_BYTES * (text.count(separator) + 1))
    elif len(text) > MAX_SPLIT_CHARS:
        raise too_much("splits a text that is too long")
    else:
        budget.take(ITEM_BYTES * (len(text) // 2 + 1))


def check_join(budget: TemplateBudget, separator: str, items: object) -> None:
    """Take what joining texts may need at most.

    Raises:
        TypeError: `items` is nothing whose size is known.
    """
    if not isinstance(items, (str, list, tuple, dict)):
        raise TypeError("only lists and texts can be joined")
    budget.take(4 * (budget.measure(items) + len(separator) * len(items)))


def check_replace(budget: TemplateBudget, text: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
    """Take what replacing a part of a text may need at most."""
    parts = [part for part in (*args, *kwargs.values()) if isinstance(part, str)]
    if len(parts) >= 2:
        budget.take(4 * text.count(parts[0]) * len(parts[1]))


def _check_format(budget: TemplateBudget, text: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
    """Allow plain fields with short specifications; they reach neither attributes nor items."""
    fields = 0
    for _, field, spec, _ in string.Formatter().parse(text):
        if field is None:
            continue
        fields += 1
        if not re.fullmatch(r"\w*", field) or not _SPEC.fullmatch(spec or ""):
            raise SecurityError(f"the format field {field!r} is not allowed")
    size = sum(budget.measure(value) for value in (*args, *kwargs.values()))
    budget.take(fields * (10 * size + MAX_WIDTH))
