"""ChatTemplate: a conversation in the words of the model, by the Jinja template in its file."""

import threading
from collections.abc import Iterable, Sequence
from typing import Final

import jinja2

from engine.errors import TemplateError
from engine.templates.budget import TemplateBudget, too_much
from engine.templates.environment import ConversationRefusedError, TemplateEnvironment
from engine.types import Message

MAX_SOURCE_CHARS: Final = 32 << 10  # the largest real ones have 17,000; compiling takes up to 30 µs per character
OUTPUT_FACTOR: Final = 4
OUTPUT_EXTRA_CHARS: Final = 64 << 10
MESSAGE_EXTRA_CHARS: Final = 64  # role markers

_FAILURES: Final = (
    jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, SyntaxError,
    TypeError, ValueError,
)  # fmt: skip
_REMEDY: Final = "Choose another model file, or one with a repaired template."


class ChatTemplate:
    """A model's chat template, compiled once; safe for templates from anywhere.

    Rendering takes well below a millisecond, and about two seconds at most; a bounded amount of memory; and it gives at
    most four times the conversation plus 64 KiB.

    Thread: any.
    """

    def __init__(self, source: str, bos: str, eos: str) -> None:
        """Compile a template.

        Args:
            source: Jinja, as in `tokenizer.chat_template`.
            bos: text of the model's begin-of-text token, or empty.
            eos: text of its end-of-text token, or empty.

        Raises:
            TemplateError: it is too long, not Jinja, or uses what chat templates may not use.
        """
        if len(source) > MAX_SOURCE_CHARS:
            raise too_much(f"is longer than {MAX_SOURCE_CHARS:,} characters")
        self._lock = threading.Lock()  # the environment serves one rendering at a time
        self._environment = TemplateEnvironment()
        self._bos, self._eos = bos, eos
        try:
            self._template = self._environment.from_string(source)
        except _FAILURES as error:
            raise TemplateError(f"The model's chat template cannot be used: {_reason(error)}.", _REMEDY) from error

    def render(self, messages: Sequence[Message]) -> str:
        """Render a conversation, up to where the model's answer begins.

        A template that refuses system messages gets them as the start of the first user message instead.

        Raises:
            TemplateError: the template refuses the conversation, fails, or takes too much time or memory.
        """
        try:
            return self._render(messages)
        except ConversationRefusedError as refusal:
            merged = _without_system(messages)
            if merged is None:
                raise _refused(refusal) from refusal
        try:
            return self._render(merged)
        except ConversationRefusedError as refusal:
            raise _refused(refusal) from refusal

    def _render(self, messages: Sequence[Message]) -> str:
        size = sum(len(message.content) + MESSAGE_EXTRA_CHARS for message in messages)
        variables = {
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "bos_token": self._bos,
            "eos_token": self._eos,
            "add_generation_prompt": True,
        }
        with self._lock:
            self._environment.budget = TemplateBudget(size)
            try:
                context = self._template.new_context(variables)
                return _joined(self._template.root_render_func(context), OUTPUT_FACTOR * size + OUTPUT_EXTRA_CHARS)
            except ConversationRefusedError:
                raise
            except _FAILURES as error:
                raise TemplateError(f"The model's chat template failed: {_reason(error)}.", _REMEDY) from error


def _joined(chunks: Iterable[str], most: int) -> str:
    """Join output, giving up as soon as it is too long."""
    texts, size = [], 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise too_much(f"wrote more than {most:,} characters")
        texts.append(chunk)
    return "".join(texts)


def _without_system(messages: Sequence[Message]) -> list[Message] | None:
    """The same conversation with the leading system message moved into the first user message; None if it has none."""
    if len(messages) < 2 or messages[0].role != "system" or messages[1].role != "user":
        return None
    first = Message("user", f"{messages[0].content}\n\n{messages[1].content}")
    return [first, *messages[2:]]


def _refused(refusal: ConversationRefusedError) -> TemplateError:
    return TemplateError(
        f"The model's chat template refuses this conversation: {_reason(refusal)}.",
        "User and assistant messages usually have to take turns, beginning with the user.",
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, MemoryError):
        return "it needs too much memory"
    return " ".join(str(error).split()).rstrip(".")[:300] or type(error).__name__
