"""Requests: what a front end asks of the engine. Import them from `engine`, or from `engine.types`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

from engine.caching import CacheUse

USUAL_LEVEL: Final = 2
"""Of 0 to 4: a request that its user has neither moved up nor down."""


class Urgency(StrEnum):
    """How soon somebody needs the result."""

    INTERACTIVE = "interactive"  # a person is waiting and looking
    NORMAL = "normal"  # a person is waiting, but does something else
    BATCH = "batch"  # nobody is waiting


class OverflowPolicy(StrEnum):
    """What to do with a conversation longer than the context."""

    ERROR = "error"  # refuse before starting, with the numbers
    DROP_OLDEST = "drop_oldest"  # drop the oldest turns (never a system message) and say which


class Accepts(StrEnum):
    """The forms of request that a model may take. Which ones a model does take, the plugins say."""

    MESSAGES = "messages"  # a conversation
    PROMPT = "prompt"  # plain text to continue
    SUFFIX = "suffix"  # text before and after a gap
    TEXTS = "texts"  # texts to make vectors of
    IMAGE = "image"  # a picture


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function that a model may call.

    Attributes:
        name: letters, digits, hyphens and underscores.
        description: what it does and when to use it, for the model to read.
        parameters: JSON schema of its arguments, an object.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asks for: which tool, with which arguments (as JSON can hold them)."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: who speaks; `tool` answers a call.
        content: what is said, or what the tool returned.
        tool_calls: of an assistant: what it asked for in this turn.
        tool_name: of a tool: which one answers.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_name: str = ""


def system(content: str) -> Message:
    """Make a system message."""
    return Message("system", content)


def user(content: str) -> Message:
    """Make a user message."""
    return Message("user", content)


def assistant(content: str) -> Message:
    """Make an assistant message."""
    return Message("assistant", content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How the next token is drawn. Temperature 0 is greedy: the most likely token, whatever the other fields say.

    Attributes:
        temperature: 0 to 5; higher is more random.
        top_k: keep the k most likely tokens; 0 keeps all.
        top_p: keep the smallest set whose probability reaches this; 1 keeps all (Holtzman et al. 2020).
        min_p: drop tokens below this share of the most likely one's probability; 0 keeps all.
        repeat_penalty: above 1 makes recent tokens less likely; 1 is off.
        frequency_penalty: subtracted once per earlier occurrence; 0 is off.
        presence_penalty: subtracted once if the token occurred; 0 is off.
        penalty_last_tokens: how many recent tokens the three penalties look at.
        logit_bias: token id -> value added to its logit.
        seed: None draws a fresh one; the result says which was used.
    """

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    penalty_last_tokens: int = 64
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateRequest:
    """Ask a text model for an answer.

    Exactly one of `messages` and `prompt` is given. `suffix` (text after a gap) goes with `prompt`.

    Attributes:
        model: id from the library, or a path to a file.
        messages: the conversation, rendered with the model's own chat template.
        prompt: plain text to continue.
        suffix: text that follows the gap; needs a model that accepts `Accepts.SUFFIX`.
        sampling: how tokens are drawn; None takes what the model recommends (`ModelInfo.sampling`).
        max_tokens: most tokens to generate; None means until the context is full.
        stop: texts that end the answer; they are not part of it.
        json_schema: a JSON schema (as JSON text) that the answer must satisfy.
        grammar: a GBNF grammar that the answer must satisfy; excludes `json_schema`.
        logprobs: how many alternatives to report per token; 0 reports none, 1 or more adds the chosen token's too.
        overflow: what to do when the prompt is longer than the context.
        tools: functions that the model may call; the calls it makes are in the result. Goes with `messages`.
        thinking: whether to think before answering, for models that let one choose; None leaves it to the model. A
            schema or grammar rules the answer from its first token on, so there is no thinking with one.
        urgency: how soon the result is needed.
        device: id of the device to run on; empty lets the dispatcher choose.
        client: who asks; clients get equal shares of what they compete for.
        title: what it is about, in a few words, for the queue; empty takes the beginning of what is asked.
        level: the user's own weight, 0 (last) to 4 (first).
        deadline_s: seconds from now by which the whole result should be there; None sets none.
        cache: whether an earlier answer to the same may be taken, and whether this one is kept.
    """

    model: str
    messages: tuple[Message, ...] = ()
    prompt: str | None = None
    suffix: str | None = None
    sampling: Sampling | None = None
    max_tokens: int | None = 512
    stop: tuple[str, ...] = ()
    json_schema: str | None = None
    grammar: str | None = None
    logprobs: int = 0
    overflow: OverflowPolicy = OverflowPolicy.ERROR
    tools: tuple[ToolSpec, ...] = ()
    thinking: bool | None = None
    urgency: Urgency = Urgency.INTERACTIVE
    device: str = ""
    client: str = ""
    title: str = ""
    level: int = USUAL_LEVEL
    deadline_s: float | None = None
    cache: CacheUse = CacheUse.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizeRequest:
    """Ask a vision model what is in an image.

    Attributes:
        model: id from the library, or a path to a file.
        image: path of an image file, or its encoded bytes (PNG, JPEG, WebP, GIF, BMP, TIFF).
        top_k: most labels to return.
        urgency: how soon the result is needed.
        device: id of the device to run on; empty lets the dispatcher choose.
        client: who asks; clients get equal shares of what they compete for.
        title: what it is about, in a few words, for the queue; empty takes the beginning of what is asked.
        level: the user's own weight, 0 (last) to 4 (first).
        deadline_s: seconds from now by which the whole result should be there; None sets none.
        cache: whether an earlier answer to the same may be taken, and whether this one is kept.
    """

    model: str
    image: Path | bytes
    top_k: int = 5
    urgency: Urgency = Urgency.INTERACTIVE
    device: str = ""
    client: str = ""
    title: str = ""
    level: int = USUAL_LEVEL
    deadline_s: float | None = None
    cache: CacheUse = CacheUse.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedRequest:
    """Ask an embedding model for one vector per text.

    Attributes:
        model: id from the library, or a path to a file.
        texts: what to embed; at least one.
        normalize: scale each vector to length 1.
        purpose: `query` for what is searched with, `document` for what is searched in; some models tell them apart.
        urgency: how soon the result is needed.
        device: id of the device to run on; empty lets the dispatcher choose.
        client: who asks; clients get equal shares of what they compete for.
        title: what it is about, in a few words, for the queue; empty takes the beginning of what is asked.
        level: the user's own weight, 0 (last) to 4 (first).
        deadline_s: seconds from now by which the whole result should be there; None sets none.
        cache: whether an earlier answer to the same may be taken, and whether this one is kept.
    """

    model: str
    texts: tuple[str, ...]
    normalize: bool = True
    purpose: Literal["document", "query"] = "document"
    urgency: Urgency = Urgency.INTERACTIVE
    device: str = ""
    client: str = ""
    title: str = ""
    level: int = USUAL_LEVEL
    deadline_s: float | None = None
    cache: CacheUse = CacheUse.AUTO
