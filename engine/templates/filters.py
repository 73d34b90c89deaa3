"""Filters and tests that chat templates may use, each with its cost checked first."""

import functools
import html
import json
from collections.abc import Callable, Iterable
from typing import Any, Final

from jinja2 import Undefined, filters, pass_context
from jinja2.exceptions import FilterArgumentError
from jinja2.runtime import Context
from jinja2.tests import TESTS

from engine.templates.budget import ITEM_BYTES, TemplateBudget, number, too_much
from engine.templates.methods import MAX_STRIP_CHARS, check_join, check_replace

MAX_INDENT: Final = 64
MAX_DIGITS: Final = 20

Function = Callable[..., Any]

_LOOKING: Final = ("capitalize", "lower", "title", "upper", "int", "float", "abs", "default", "dictsort", "sort",
                   "unique", "min", "max", "d")  # fmt: skip
_LISTING: Final = ("map", "select", "reject", "selectattr", "rejectattr", "items")
_TESTS: Final = (
    "boolean", "callable", "defined", "divisibleby", "eq", "equalto", "==", "even", "false", "float", "ge", ">=",
    "greaterthan", "gt", ">", "in", "integer", "iterable", "le", "<=", "lessthan", "lt", "<", "lower", "mapping", "ne",
    "!=", "none", "number", "odd", "sameas", "sequence", "string", "true", "undefined", "upper",
)  # fmt: skip
_FREE_TESTS: Final = frozenset({"boolean", "defined", "false", "mapping", "none", "sameas", "string", "true",
                                "undefined", "iterable", "sequence", "number", "integer", "float"})  # fmt: skip


class TemplateFilters:
    """Makes the tables of filters and tests for an environment.

    Attributes:
        filters: name -> function.
        tests: name -> function.
    """

    def __init__(self, budget: Callable[[], TemplateBudget]) -> None:
        """Make the tables.

        Args:
            budget: gives the budget of the rendering in progress.
        """
        self._budget = budget
        own: dict[str, Function] = {
            "count": self._length,
            "e": self._escape,
            "escape": self._escape,
            "first": self._first,
            "indent": self._indent,
            "join": self._join,
            "last": self._last,
            "length": self._length,
            "list": self._list,
            "replace": self._replace,
            "reverse": self._reverse,
            "round": self._round,
            "safe": self._string,
            "string": self._string,
            "sum": self._sum,
            "tojson": self._tojson,
            "trim": self._trim,
        }
        known: dict[str, Any] = filters.FILTERS
        looking = {name: self._looking(known[name]) for name in _LOOKING}
        listing = {name: self._listing(known[name]) for name in _LISTING}
        self.filters: dict[str, Function] = own | looking | listing
        tests: dict[str, Any] = TESTS
        self.tests: dict[str, Function] = {
            name: tests[name] if name in _FREE_TESTS else self._looking(tests[name]) for name in _TESTS
        }

    def text_of(self, value: object) -> str:
        """The value as text."""
        if isinstance(value, str):
            return value
        budget = self._budget()
        budget.take(10 * budget.measure(value))  # unprintable characters become escapes of ten
        return str(value)

    def _looking(self, function: Function) -> Function:
        """A function that looks at all of its arguments, and returns nothing larger than a copy of them."""

        @functools.wraps(function)
        def checked(*args: Any, **kwargs: Any) -> Any:
            budget = self._budget()
            for value in (*args, *kwargs.values()):
                budget.take(4 * budget.measure(value))
            result = function(*args, **kwargs)
            return number(list(result) if hasattr(result, "__next__") else result)

        return checked

    def _listing(self, function: Function) -> Function:
        """A function that yields items; they are counted, and returned as a list."""

        @functools.wraps(function)
        def listed(*args: Any, **kwargs: Any) -> list[object]:
            return list(self._budget().count(function(*args, **kwargs), ITEM_BYTES))

        return listed

    def _list(self, value: Iterable[object]) -> list[object]:
        return list(self._budget().count(value, ITEM_BYTES))

    def _length(self, value: Any) -> int:
        return len(value)

    def _first(self, value: Iterable[object]) -> object:
        return next(iter(value), Undefined(name="first"))

    def _last(self, value: Any) -> object:
        return next(iter(reversed(value)), Undefined(name="last"))

    def _reverse(self, value: Any) -> object:
        return value[::-1] if isinstance(value, str) else self._list(reversed(value))

    def _string(self, value: object) -> str:
        return self.text_of(value)

    def _escape(self, value: object) -> str:
        text = self.text_of(value)
        self._budget().take(6 * len(text))
        return html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;")

    def _trim(self, value: object, chars: str | None = None) -> str:
        if chars is not None and len(chars) > MAX_STRIP_CHARS:
            raise too_much("strips too many different characters")
        return self.text_of(value).strip(chars)

    def _replace(self, value: object, old: str, new: str, count: int = -1) -> str:
        text = self.text_of(value)
        check_replace(self._budget(), text, (old, new), {})
        return text.replace(old, new, count)

    @pass_context
    def _join(self, context: Context, value: object, d: object = "", attribute: str | int | None = None) -> str:
        items = self._list(value) if isinstance(value, Iterable) else value
        if attribute is not None:
            items = self.filters["map"](context, items, attribute=attribute)
        if not isinstance(items, list):
            raise FilterArgumentError("only lists can be joined")
        separator = self.text_of(d)
        texts = [self.text_of(item) for item in items]
        check_join(self._budget(), separator, texts)
        return separator.join(texts)

    def _indent(self, value: object, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
        text = self.text_of(value)
        if (len(width) if isinstance(width, str) else width) > MAX_INDENT:
            raise too_much("indents texts too far")
        step = width if isinstance(width, str) else " " * width
        self._budget().take(len(text) * 8 + (text.count("\n") + 1) * (ITEM_BYTES + len(step)))
        return filters.do_indent(text, step, first, blank)

    def _round(self, value: float, precision: int = 0, method: str = "common") -> float:
        if abs(precision) > MAX_DIGITS:
            raise too_much("rounds to too many digits")
        number(value)
        return filters.do_round(value, precision, method)  # type: ignore[arg-type]

    @pass_context
    def _sum(self, context: Context, value: object, attribute: str | int | None = None, start: float = 0) -> object:
        items = self.filters["map"](context, value, attribute=attribute) if attribute is not None else self._list(value)  # type: ignore[arg-type]
        if not all(isinstance(item, (int, float)) for item in (*items, start)):
            raise FilterArgumentError("only numbers can be summed")
        return number(sum(items, start))

    def _tojson(
        self,
        value: object,
        ensure_ascii: bool = False,
        indent: int | str | None = None,
        separators: tuple[str, str] | None = None,
        sort_keys: bool = False,
    ) -> str:
        if (len(indent) if isinstance(indent, str) else indent or 0) > MAX_INDENT:
            raise too_much("indents JSON too far")
        if separators is not None and len("".join(separators)) > MAX_INDENT:
            raise too_much("separates JSON too far")
        budget = self._budget()
        budget.take(12 * budget.measure(value))  # what an escape can become at most
        encoder = json.JSONEncoder(ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
        chunks = []
        for chunk in encoder.iterencode(value):
            budget.take(len(chunk))
            chunks.append(chunk)
        return "".join(chunks)
