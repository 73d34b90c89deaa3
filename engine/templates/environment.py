"""TemplateEnvironment: Jinja as chat templates need it, for templates that nobody has checked.

Jinja's sandbox keeps a template away from Python's internals, but lets it build gigabytes or loop for years. Here the
parsed template is rewritten first, so that every operation that can be large goes through a `TemplateBudget`: loops,
calls, operators, concatenation, slices, comparisons, and all output. What a chat template has no use for (other
templates, blocks, recursive loops) is refused.
"""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from jinja2 import Undefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Joiner, Namespace

from engine.templates.budget import CONTAINER_BYTES, TemplateBudget, number, power, too_much
from engine.templates.filters import TemplateFilters
from engine.templates.methods import call_method, has_methods, is_allowed
from engine.templates.refusal import ConversationRefusedError
from engine.templates.rewriter import Rewriter

MAX_RANGE: Final = 100_000
MAX_DATE_FORMAT_CHARS: Final = 64

_LOOP_NAMES: Final = frozenset({
    "changed", "cycle", "depth", "depth0", "first", "index", "index0", "last", "length", "nextitem", "previtem",
    "revindex", "revindex0",
})  # fmt: skip
_JINJA_KEYWORDS: Final = ("_loop_vars", "_block_vars")  # added by the compiler to calls inside loops and blocks


class TemplateEnvironment(ImmutableSandboxedEnvironment):
    """Jinja with limits.

    Thread: one rendering at a time.

    Attributes:
        budget: of the rendering in progress; set it before each one.
    """

    intercepted_binops = frozenset({"+", "-", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.loopcontrols", GenerationTag],
            optimized=False,  # the optimizer would run filters at compile time, outside the budget
        )
        self.budget = TemplateBudget(0)
        self._table = TemplateFilters(lambda: self.budget)
        self.filters.clear()
        self.filters.update(self._table.filters)
        self.tests.clear()
        self.tests.update(self._table.tests)
        # one that takes the context keeps the compiler from evaluating constants outside the budget
        self.finalize = pass_context(lambda _, value: self._out(self._table.text_of(value)))
        self.globals = {
            "dict": dict,
            "joiner": Joiner,
            "namespace": Namespace,
            "raise_exception": _raise_exception,
            "range": _range,
            "strftime_now": _strftime_now,
        }

    # ------------------------------------------------------------------------------------ what the rewriting calls

    def count(self, items: Iterable[object], item_bytes: int) -> Iterator[object]:
        """Iterate for a loop."""
        return self.budget.count(items, item_bytes)

    def take(self, size: int) -> None:
        """Pay for constant text, or for the containers in a macro."""
        self.budget.take(size)

    def look(self, value: object) -> object:
        """Pass on an operand of a comparison, or a key."""
        self.budget.measure(value)
        return value

    def join(self, *values: object) -> str:
        """The operator `~`."""
        return "".join([self._out(self._table.text_of(value)) for value in values])

    def cut(self, value: Any, start: object, stop: object, step: object) -> object:
        """A slice."""
        part = value[start:stop:step]
        self.budget.take(sys.getsizeof(part))
        return part

    def _out(self, text: str) -> str:
        self.budget.take(sys.getsizeof(text))
        return text

    # ---------------------------------------------------------------------------------------- what Jinja calls

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        return super()._generate(Rewriter().visit(source), *args, **kwargs)

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        """Whether a template may read this attribute."""
        if attr.startswith("_"):
            return False
        if isinstance(obj, LoopContext):
            return attr in _LOOP_NAMES
        return isinstance(obj, Namespace) or is_allowed(obj, attr)

    def unsafe_undefined(self, obj: object, attribute: str) -> Undefined:
        """Refuse an attribute; Jinja would only do so once it is used."""
        raise SecurityError(f"the attribute {attribute} of {type(obj).__name__} is not allowed")

    def wrap_str_format(self, value: object) -> None:
        """Nothing: `format` is checked when it is called, like every other method."""

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Subscribe an object."""
        if not isinstance(argument, (str, int)):
            self.budget.measure(argument)
        return super().getitem(obj, argument)

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call what a template calls."""
        self.budget.check_time()
        owner = getattr(function, "__self__", None)
        if isinstance(function, (Macro, Undefined)):
            return super().call(context, function, *args, **kwargs)
        for name in _JINJA_KEYWORDS:
            kwargs.pop(name, None)
        if owner is self:
            return function(*args, **kwargs)
        if has_methods(owner):
            return call_method(self.budget, function, args, kwargs)
        self._check_function(function, owner)
        self.budget.take(CONTAINER_BYTES)
        for value in (*args, *kwargs.values()):
            self.budget.take(self.budget.measure(value))
        return function(*args, **kwargs)

    def _check_function(self, function: Any, owner: object) -> None:
        known = any(function is item for item in self.globals.values())
        if not known and not isinstance(function, Joiner) and not isinstance(owner, LoopContext):
            raise SecurityError(f"{type(function).__name__} cannot be called")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Apply an operator that can make values larger."""
        if operator == "**":
            return power(left, right)
        if operator == "%" and isinstance(left, str):
            raise SecurityError("formatting with % is not allowed")
        if operator == "*":
            self._check_repetition(left, right)
        result = super().call_binop(context, operator, left, right)
        self.budget.take(sys.getsizeof(result))
        return number(result)

    def _check_repetition(self, left: Any, right: Any) -> None:
        for value, times in ((left, right), (right, left)):
            if isinstance(times, int) and isinstance(value, (str, list, tuple)):
                self.budget.take(max(0, times) * sys.getsizeof(value))


class GenerationTag(Extension):
    """`{% generation %}` marks what a model wrote, for training; it changes nothing in the text."""

    tags = {"generation"}  # noqa: RUF012  (how Jinja wants it)

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Keep the body and drop the tag."""
        next(parser.stream)
        return list(parser.parse_statements(("name:endgeneration",), drop_needle=True))


def _raise_exception(message: object) -> None:
    raise ConversationRefusedError(str(message)[:500])


def _strftime_now(form: str) -> str:
    if len(form) > MAX_DATE_FORMAT_CHARS or any(digit in form for digit in "0123456789"):
        raise SecurityError("this date format is not allowed")
    return time.strftime(form)


def _range(*args: int) -> range:
    for arg in args:
        number(arg)
    result = range(*args)
    if len(result) > MAX_RANGE or any(abs(arg) > 1 << 31 for arg in args):
        raise too_much(f"counts further than {MAX_RANGE:,}")
    return result
