"""CompiledTemplate: what stands behind a SafeTemplate, once Jinja is loaded."""

import threading
from collections.abc import Iterable, Mapping
from typing import Final

import jinja2

from engine.errors import TemplateError
from engine.templates.budget import TemplateBudget, too_much
from engine.templates.environment import TemplateEnvironment
from engine.templates.refusal import ConversationRefusedError

MAX_SOURCE_CHARS: Final = 32 << 10  # the largest real ones have 17,000; compiling takes up to 30 µs per character
OUTPUT_FACTOR: Final = 4
OUTPUT_EXTRA_CHARS: Final = 64 << 10

_FAILURES: Final = (
    jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, SyntaxError,
    TypeError, ValueError,
)  # fmt: skip
_REMEDY: Final = "Choose another model file, or one with a repaired template."


class CompiledTemplate:
    """A compiled template; see `SafeTemplate`."""

    def __init__(self, source: str) -> None:
        if len(source) > MAX_SOURCE_CHARS:
            raise too_much(f"is longer than {MAX_SOURCE_CHARS:,} characters")
        self._lock = threading.Lock()  # the environment serves one rendering at a time
        self._environment = TemplateEnvironment()
        try:
            self._template = self._environment.from_string(source)
        except _FAILURES as error:
            raise TemplateError(f"The model's chat template cannot be used: {reason(error)}.", _REMEDY) from error

    def render(self, variables: Mapping[str, object], size: int) -> str:
        """Render; see `SafeTemplate.render`."""
        with self._lock:
            self._environment.budget = TemplateBudget(size)
            try:
                context = self._template.new_context(dict(variables))
                return _joined(self._template.root_render_func(context), OUTPUT_FACTOR * size + OUTPUT_EXTRA_CHARS)
            except ConversationRefusedError:
                raise
            except _FAILURES as error:
                raise TemplateError(f"The model's chat template failed: {reason(error)}.", _REMEDY) from error


def reason(error: BaseException) -> str:
    """What went wrong in a template, on one line, without the full stop."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):
        return "it needs too much memory"
    return " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__


def _joined(chunks: Iterable[str], most: int) -> str:
    """Join output, giving up as soon as it is too long."""
    texts, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise too_much(f"wrote more than {most:,} characters")
        texts.append(chunk)
    return "".join(texts)
