"""Range checks: every number and text of a generate request, before any of it reaches native code."""

from collections.abc import Mapping

from engine.backends.llama.stops import StopScanner
from engine.backends.llama.tool_checks import check_message_tools, check_tools
from engine.errors import InvalidRequestError
from engine.types import GenerateRequest, Message, OverflowPolicy, Sampling

MAX_LOGPROBS = 100
MAX_SEED = (1 << 32) - 2  # llama.cpp takes the largest 32-bit number as "random"

_FLOAT_RANGES = {
    "temperature": (0.0, 5.0),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "repeat_penalty": (0.01, 10.0),
    "frequency_penalty": (-10.0, 10.0),
    "presence_penalty": (-10.0, 10.0),
}
_INTEGER_RANGES = {"top_k": (0, 1 << 30), "penalty_last_tokens": (0, 1 << 16)}
_BIAS_RANGE = (-1000.0, 1000.0)
_ROLES = {"system", "user", "assistant", "tool"}


def check_request(request: GenerateRequest, vocabulary_size: int) -> None:
    """Check everything about a request that does not depend on the model's abilities.

    Raises:
        InvalidRequestError: names the field and its range.
    """
    _check_input(request)
    if request.sampling is not None:
        _check_sampling(request.sampling, vocabulary_size)
    if request.max_tokens is not None:
        _check_integer("max_tokens", request.max_tokens, 1, 1 << 30)
    _check_integer("logprobs", request.logprobs, 0, MAX_LOGPROBS)
    if not isinstance(request.stop, tuple | list) or not all(_is_text(stop) for stop in request.stop):
        raise InvalidRequestError("stop must be a sequence of texts.")
    StopScanner(request.stop)
    if request.json_schema is not None and request.grammar is not None:
        raise InvalidRequestError("json_schema and grammar exclude each other.", "Give one of them.")
    check_tools(request.tools)
    if request.thinking is not None and type(request.thinking) is not bool:
        raise InvalidRequestError("thinking must be True, False or None.")
    _check_ruled(request)
    if not isinstance(request.overflow, OverflowPolicy):
        raise InvalidRequestError(f"overflow must be one of {', '.join(OverflowPolicy)}.")


def _check_input(request: GenerateRequest) -> None:
    if request.prompt is not None and request.messages:
        raise InvalidRequestError("messages and prompt exclude each other.", "Give one of them.")
    if request.prompt is None:
        if request.suffix is not None:
            raise InvalidRequestError("suffix needs a prompt: the text before the gap.")
        _check_messages(request.messages)
        return
    if not _is_text(request.prompt) or not (request.suffix is None or _is_text(request.suffix)):
        raise InvalidRequestError("prompt and suffix must be text.")
    if not request.prompt and not request.suffix:
        raise InvalidRequestError("The prompt is empty.", "Type something.")


def _check_ruled(request: GenerateRequest) -> None:
    """A grammar rules the answer from its first token on, so that it can neither think before nor call anything."""
    if request.tools and request.prompt is not None:
        raise InvalidRequestError("tools need a conversation.", "Give messages instead of a prompt.")
    if request.json_schema is None and request.grammar is None:
        return
    if request.tools:
        raise InvalidRequestError("tools exclude json_schema and grammar.", "Leave one of them out.")
    if request.thinking:
        raise InvalidRequestError("thinking excludes json_schema and grammar.", "Leave one of them out.")


def _check_messages(messages: tuple[Message, ...]) -> None:
    for index, message in enumerate(messages):
        if message.role not in _ROLES:
            raise InvalidRequestError(
                f"Message {index} has the role {message.role!r}.", "Use system, user, assistant, tool."
            )
        if not _is_text(message.content):
            raise InvalidRequestError(f"The content of message {index} must be text.")
        check_message_tools(index, message)
    if not any(message.content.strip() or message.tool_calls for message in messages):
        raise InvalidRequestError("The prompt is empty.", "Type something.")


def _check_sampling(sampling: Sampling, vocabulary_size: int) -> None:
    for name, (low, high) in _FLOAT_RANGES.items():
        _check_float(name, getattr(sampling, name), low, high)
    for name, (smallest, largest) in _INTEGER_RANGES.items():
        _check_integer(name, getattr(sampling, name), smallest, largest)
    if sampling.seed is not None:
        _check_integer("seed", sampling.seed, 0, MAX_SEED)
    if not isinstance(sampling.logit_bias, Mapping):
        raise InvalidRequestError("logit_bias must map token ids to numbers.")
    for token, value in sampling.logit_bias.items():
        _check_integer("A token id of logit_bias", token, 0, vocabulary_size - 1)
        _check_float(f"logit_bias of token {token}", value, *_BIAS_RANGE)


def _is_text(value: object) -> bool:
    # The annotations say so already, but callers outside a type checker's reach may not have read them.
    return isinstance(value, str)


def _check_float(name: str, value: object, low: float, high: float) -> None:
    if type(value) not in {int, float} or not low <= value <= high:  # type: ignore[operator]  # NaN fails as well
        raise InvalidRequestError(f"{name} is {value!r}, but must be from {low:g} to {high:g}.")


def _check_integer(name: str, value: object, low: int, high: int) -> None:
    if type(value) is not int or not low <= value <= high:
        raise InvalidRequestError(f"{name} is {value!r}, but must be a whole number from {low:,} to {high:,}.")
