"""Conversation: messages as the dictionaries that chat templates expect, in several shapes since templates differ."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from engine.plugins.api import Message, ToolSpec
from plugins.chat.tool_syntax import ToolSyntax

Arguments = Literal["object", "text", "words"]
"""How calls are put: with arguments as an object, as JSON text, or written out as the model would write them."""

_KNOWS_NONE: Final = re.compile(r"""(?<!_)content['"]?\]? is (not )?none""")


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to put a conversation.

    Attributes:
        arguments: of calls; with `words`, results of tools become user messages.
        merged: whether the system message is the start of the first user message.
    """

    arguments: Arguments = "object"
    merged: bool = False


PLAIN_SHAPES: Final = (Shape(), Shape(merged=True))
TOOL_SHAPES: Final = (
    Shape("object"), Shape("text"), Shape("object", merged=True), Shape("text", merged=True), Shape("words"),
    Shape("words", merged=True),
)  # fmt: skip


def has_calls(messages: Sequence[Message]) -> bool:
    """Whether a conversation holds calls of tools, or what they returned."""
    return any(message.tool_calls or message.role == "tool" for message in messages)


def with_system(messages: Sequence[Message], words: str) -> list[Message]:
    """The conversation with more in its system message, which is added if there is none."""
    if not words:
        return list(messages)
    if messages and messages[0].role == "system":
        return [replace(messages[0], content=f"{messages[0].content}\n\n{words}".lstrip()), *messages[1:]]
    return [Message("system", words), *messages]


def rewritten(messages: Sequence[Message], shape: Shape, syntax: ToolSyntax) -> list[Message] | None:
    """The conversation in a shape; None if that changes nothing, so that it need not be tried."""
    changed = list(messages)
    if shape.arguments == "words":
        changed = _alternating([_in_words(message, syntax) for message in changed])
    if shape.merged:
        if len(changed) < 2 or changed[0].role != "system" or changed[1].role != "user":
            return None
        changed[:2] = [replace(changed[1], content=f"{changed[0].content}\n\n{changed[1].content}")]
    return changed


def dictionaries(messages: Sequence[Message], shape: Shape, source: str) -> list[dict[str, object]]:
    """What the template iterates over, in the form of the OpenAI API.

    Args:
        messages: in their shape.
        shape: that shape.
        source: of the template.
    """
    numbers = _Numbers()
    empty = None if _KNOWS_NONE.search(source) else ""
    result: list[dict[str, object]] = []
    for message in messages:
        entry: dict[str, object] = {"role": message.role, "content": message.content}
        if message.tool_calls:
            entry["content"] = entry["content"] or empty
            entry["tool_calls"] = [
                {
                    "id": numbers.call(),
                    "type": "function",
                    "function": {"name": call.name, "arguments": _arguments(call.arguments, shape)},
                }
                for call in message.tool_calls
            ]
        if message.role == "tool":
            entry |= {"name": message.tool_name, "tool_call_id": numbers.result()}
        result.append(entry)
    return result


def evidence(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Counter[str]:
    """Texts about tools, and how often a prompt must hold them at least, or the template has left something out."""
    texts = Counter(tool.name for tool in tools)
    for message in messages:
        texts.update(call.name for call in message.tool_calls)
        if message.role == "tool" and message.content.strip():
            texts[message.content.strip()] = 1
    return texts


class _Numbers:
    """Ids of calls: nine letters and digits, as Mistral's templates want them; results refer to them in order."""

    def __init__(self) -> None:
        self._calls = 0
        self._results = 0

    def call(self) -> str:
        self._calls += 1
        return f"call{self._calls:05d}"

    def result(self) -> str:
        self._results = min(self._results + 1, max(1, self._calls))
        return f"call{self._results:05d}"


def _arguments(arguments: object, shape: Shape) -> object:
    return json.dumps(arguments, ensure_ascii=False) if shape.arguments == "text" else arguments


def _in_words(message: Message, syntax: ToolSyntax) -> Message:
    if message.role == "tool":
        name = f" of {message.tool_name}" if message.tool_name else ""
        return Message("user", f"Result{name}:\n{message.content}")
    if message.tool_calls:
        return Message("assistant", "\n".join(filter(None, (message.content, syntax.write(message.tool_calls)))))
    return message


def _alternating(messages: Sequence[Message]) -> list[Message]:
    """Messages with neighbours of the same role joined, since many templates want roles to take turns."""
    joined: list[Message] = []
    for message in messages:
        if joined and joined[-1].role == message.role:
            joined[-1] = replace(joined[-1], content=f"{joined[-1].content}\n\n{message.content}")
        else:
            joined.append(message)
    return joined
