"""Errors on their way between Hearth and the process of a plugin."""

import traceback
from typing import Any, Final

import msgspec

from engine.errors import (
    CapabilityError,
    ContextOverflowError,
    EngineClosedError,
    EngineDeadError,
    EngineError,
    GrammarError,
    ImageError,
    InvalidRequestError,
    ModelError,
    ModelFileError,
    ModelNotFoundError,
    OutOfMemoryError,
    PluginError,
    RequestError,
    TaskCancelledError,
    TemplateError,
)
from engine.plugins.loader import one_line_of

MAX_SENTENCE_CHARS: Final = 2000
MAX_DETAILS_CHARS: Final = 16 << 10

_NAMED: Final = {
    kind.__name__: kind
    for kind in (
        CapabilityError, EngineError, GrammarError, ImageError, InvalidRequestError, ModelError, ModelFileError,
        ModelNotFoundError, OutOfMemoryError, RequestError, TemplateError,
    )
}  # fmt: skip
"""Errors made of a cause and a remedy. Those about the engine itself are not among them: a plugin cannot end it."""
_OF_THE_ENGINE: Final = {kind.__name__: kind for kind in (EngineClosedError, EngineDeadError)}


class Failure(msgspec.Struct, array_like=True, frozen=True):
    """An error, in plain words.

    Attributes:
        kind: name of its class; empty for what is a mistake in a plugin's code.
        cause: one sentence.
        remedy: one sentence, or empty.
        details: traceback; may be empty.
        tokens: of a prompt that is too long, and of the context.
    """

    kind: str
    cause: str
    remedy: str = ""
    details: str = ""
    tokens: tuple[int, int] = (0, 0)


def failure_of(error: BaseException) -> Failure:
    """Describe an error, for sending it. What is no `EngineError` is a mistake in the code that raised it."""
    if not isinstance(error, EngineError):
        details = "".join(traceback.format_exception(error))
        return Failure("", one_line_of(error), details=details[-MAX_DETAILS_CHARS:])
    kind = next((base.__name__ for base in type(error).__mro__ if _is_known(base)), EngineError.__name__)
    tokens = (0, 0)
    if isinstance(error, ContextOverflowError):
        tokens = error.prompt_tokens, error.context_tokens
    details = error.details if isinstance(error, PluginError) else ""
    return Failure(kind, _sentence(error.cause), _sentence(error.remedy), details[-MAX_DETAILS_CHARS:], tokens)


def read_failure(plain: Any) -> Failure:
    """Read what was received.

    Raises:
        msgspec.ValidationError: it is no error.
    """
    failure = msgspec.convert(plain, Failure)
    if len(failure.cause) > MAX_SENTENCE_CHARS or len(failure.remedy) > MAX_SENTENCE_CHARS:
        raise msgspec.ValidationError("an error of more than 2,000 characters")
    return msgspec.structs.replace(
        failure,
        cause=printable(failure.cause),
        remedy=printable(failure.remedy),
        details=printable(failure.details[-MAX_DETAILS_CHARS:], kept="\n\t"),
    )


def printable(text: str, kept: str = "") -> str:
    """A text of a stranger as it can be shown: without what moves a terminal's cursor, or turns text around.

    Args:
        text: any.
        kept: characters that stay although they are not printable.
    """
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() or character in kept else " " for character in text)


def error_of(failure: Failure, plugin: str, *, is_trusted: bool = False) -> EngineError:
    """Make the error again.

    Args:
        failure: with a `kind`.
        plugin: id, for errors of plugins: whatever it says, it can only speak for itself.
        is_trusted: whether it comes from Hearth, which may say that the engine has ended.
    """
    match failure.kind:
        case "TaskCancelledError":
            return TaskCancelledError()
        case "ContextOverflowError":
            return ContextOverflowError(*failure.tokens)
        case "PluginError":
            return PluginError(plugin, failure.cause, failure.remedy, failure.details[-MAX_DETAILS_CHARS:])
    known = _NAMED | _OF_THE_ENGINE if is_trusted else _NAMED
    return known.get(failure.kind, EngineError)(failure.cause, failure.remedy)


def _is_known(kind: type) -> bool:
    special = (TaskCancelledError, ContextOverflowError, PluginError)
    return kind in special or kind.__name__ in _NAMED or kind.__name__ in _OF_THE_ENGINE


def _sentence(text: object) -> str:
    """A text of an error as it can be sent: texts of strangers may be anything."""
    return str(text)[:MAX_SENTENCE_CHARS].encode("utf-8", "replace").decode("utf-8")
