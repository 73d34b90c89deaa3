"""What a chat is made of: plain values, without Qt and without a database."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Self

from engine.types import GenerateResult, Message, ToolCall

TITLE_CHARS = 60


class Role(StrEnum):
    """Who wrote a turn."""

    USER = "user"
    ANSWER = "answer"


class CallState(StrEnum):
    """How far the call of a tool has come."""

    ASKING = "asking"  # the person has to allow it
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"  # by the person
    LEFT = "left"  # the answer ended before it was called


class TurnState(StrEnum):
    """How far an answer has come; what the person wrote is always DONE."""

    DONE = "done"
    RUNNING = "running"
    STOPPED = "stopped"  # by the person
    INTERRUPTED = "interrupted"  # the program ended in the middle of it
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFacts:
    """Where an answer ran and how fast, for the line under it; times in seconds."""

    device: str = ""
    prompt_tokens: int = 0
    output_tokens: int = 0
    first_token_s: float = 0.0
    decode_s: float = 0.0
    cut_by_length: bool = False
    dropped_messages: int = 0
    thinking_s: float = 0.0
    moved: str = ""  # which device it had to leave and why, in one sentence
    first_asked_at: float = 0.0  # when a cached answer was computed, since 1970; 0 for one that was computed for this
    saved_s: float = 0.0  # what computing a cached answer had taken
    answered_s: float = 0.0  # from asking for a cached answer until it was there

    @classmethod
    def of(cls, result: GenerateResult) -> Self:
        """Take the facts out of a finished result."""
        return cls(
            device=result.placement.device,
            prompt_tokens=result.usage.prompt_tokens,
            output_tokens=result.usage.output_tokens,
            first_token_s=result.timings.first_token_s,
            decode_s=result.timings.decode_s,
            cut_by_length=result.finish_reason == "length",
            dropped_messages=len(result.dropped_messages),
            moved=" ".join(result.placement.step_downs),
            first_asked_at=result.cached.stored_at if result.cached is not None else 0.0,
            saved_s=result.cached.saved_s if result.cached is not None else 0.0,
        )

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> Self:
        """Take plain values back; what another version has noted beside them is left out."""
        known = {entry.name for entry in fields(cls)}
        return cls(**{name: value for name, value in table.items() if name in known})

    @property
    def is_cached(self) -> bool:
        """Whether the answer was found, not computed."""
        return self.first_asked_at > 0

    @property
    def tokens_per_s(self) -> float:
        """Tokens after the first per second; 0 when there were too few to say."""
        return (self.output_tokens - 1) / self.decode_s if self.output_tokens > 1 and self.decode_s > 0 else 0.0

    def as_dict(self) -> dict[str, str | int | float | bool]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool that an answer asks to be called.

    Attributes:
        name: of the tool.
        arguments: as JSON can hold them.
        state: how far it is.
        result: what the tool returned, or why it did not; told to the model.
        reason: what the permission is for that it needs; empty if it needs none.
    """

    name: str
    arguments: Mapping[str, object]
    state: CallState = CallState.RUNNING
    result: str = ""
    reason: str = ""

    @property
    def words(self) -> str:
        """The call as people read it: `add(a=1, b=2)`."""
        shown = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in self.arguments.items())
        return f"{self.name}({shown})"

    @property
    def told(self) -> str:
        """What the model is told."""
        if self.state is CallState.REFUSED:
            return "The person did not allow this call."
        return self.result if self.state in (CallState.DONE, CallState.FAILED) else "This call was not made."

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "name": self.name,
            "arguments": dict(self.arguments),
            "state": self.state,
            "result": self.result,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a chat.

    Attributes:
        id: rising with time inside a chat; decides the order, not the clock.
        model: id of the model that answered; empty for the person's own.
        created_s: seconds since the epoch.
        thinking: what the model thought before it answered; shown, never sent again.
        calls: tools that it asked for after the text.
    """

    id: int
    role: Role
    text: str
    state: TurnState = TurnState.DONE
    model: str = ""
    facts: AnswerFacts = field(default_factory=AnswerFacts)
    created_s: float = field(default_factory=time.time)
    thinking: str = ""
    calls: tuple[Call, ...] = ()

    @property
    def words(self) -> str:
        """Text and calls, for copying."""
        calls = (f"Calls `{call.words}`: {call.told}" for call in self.calls)
        return "\n\n".join(part for part in (self.text, *calls) if part)

    def with_text(self, text: str) -> Self:
        """Give the same turn another text."""
        return replace(self, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSummary:
    """One line of the chat list; `tools` are the names of those that its model may call."""

    id: int
    title: str
    model: str
    updated_s: float
    tools: tuple[str, ...] = ()


def title_of(text: str) -> str:
    """Make a chat's title from its first message: the first line that says something, cut at a word."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "New chat")
    if len(line) <= TITLE_CHARS:
        return line.rstrip(" .") or line
    cut = line[:TITLE_CHARS].rsplit(" ", 1)[0]
    return f"{cut}…"


def group_of(updated_s: float, today: date) -> str:
    """Name the group of the chat list that a time belongs to."""
    day = datetime.fromtimestamp(updated_s).date()
    if day >= today:
        return "Today"
    return "Yesterday" if day == today - timedelta(days=1) else "Earlier"


def messages_of(turns: Sequence[Turn]) -> tuple[Message, ...]:
    """Turn a chat into the messages a model sees.

    Empty answers are left out, and messages that then follow each other are joined: many chat templates refuse two
    messages of the same side in a row. Thoughts stay out; what tools said follows the call.
    """
    messages: list[Message] = []
    for turn in turns:
        role: Literal["user", "assistant"] = "user" if turn.role is Role.USER else "assistant"
        if not turn.text.strip() and not turn.calls:
            continue
        if turn.calls:
            messages.append(Message(role, turn.text, tuple(ToolCall(c.name, c.arguments) for c in turn.calls)))
            messages += [Message("tool", call.told, tool_name=call.name) for call in turn.calls]
        elif messages and messages[-1].role == role:
            messages[-1] = Message(role, f"{messages[-1].content}\n\n{turn.text}")
        else:
            messages.append(Message(role, turn.text))
    return tuple(messages)
