"""Renderer: makes a prompt of a conversation with a model's own template, whatever that template can and cannot do."""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from engine.plugins.api import (
    CapabilityError,
    ConversationRefusedError,
    EngineError,
    GenerateRequest,
    Message,
    ModelFacts,
    SafeTemplate,
    TemplateError,
    ToolCall,
    ToolSpec,
)
from plugins.chat.conversation import (
    PLAIN_SHAPES,
    TOOL_SHAPES,
    Shape,
    dictionaries,
    evidence,
    has_calls,
    rewritten,
    with_system,
)
from plugins.chat.shield import Shield
from plugins.chat.sources import Sources
from plugins.chat.thinking import ThinkingSwitch, Thoughts
from plugins.chat.tool_syntax import ToolSyntax, instructions

MESSAGE_EXTRA_CHARS: Final = 64  # role markers
MOST_SECONDS: Final = 1.0  # after this nothing more is tried; one try takes well below a millisecond

_TAKES_TOOLS: Final = re.compile(r"(?<![.\w\"'])(tools|functions|available_tools)\b(?![\"'])")


class Renderer:
    """The templates of one model, compiled.

    Thread: any.
    """

    def __init__(self, facts: ModelFacts, sources: Sources, syntax: ToolSyntax, thoughts: Thoughts | None) -> None:
        """Compile; a template that cannot be used is reported when a conversation asks for it."""
        self._facts = facts
        self._syntax = syntax
        self._thoughts = thoughts
        self._chat = _Compiled(sources.chat)
        self._tools = _Compiled(sources.tools) if sources.tools else self._chat

    def render(self, request: GenerateRequest, shield: Shield) -> str:
        """Render in the first way that the template takes and in which it leaves nothing out.

        Raises:
            CapabilityError: there is no template.
            TemplateError: the template cannot be used, or refuses the conversation in every way.
        """
        compiled = self._tools if request.tools else self._chat
        if not compiled.source:
            raise CapabilityError(
                f"{self._facts.name} has no chat template.", "Give it a plain prompt, or pick a chat model."
            )
        template = compiled.template()
        messages = [self._clean(message, shield) for message in request.messages]
        messages = with_system(messages, compiled.switch.word(request.thinking))
        failure: Exception | None = None
        incomplete: str | None = None
        deadline_s = time.monotonic() + MOST_SECONDS
        for tools, shaped, shape in self._ways(messages, request.tools, compiled):
            if failure is not None and time.monotonic() > deadline_s:
                break
            variables = self._variables(shaped, shape, tools, compiled.source)
            variables |= compiled.switch.variables(request.thinking)
            try:
                prompt = template.render(variables, _size(variables))
            except (ConversationRefusedError, TemplateError) as error:
                failure = failure or error
                continue
            if _holds(prompt, evidence(shaped, tools)):
                return prompt
            incomplete = incomplete or prompt
        if incomplete is not None:
            return incomplete
        raise _reported(failure)

    def _ways(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec], compiled: "_Compiled"
    ) -> Iterator[tuple[Sequence[ToolSpec], list[Message], Shape]]:
        """Tools for the template, messages and their shape, the most faithful first."""
        shapes = TOOL_SHAPES if has_calls(messages) else PLAIN_SHAPES
        for by_template in (True, False) if tools and compiled.takes_tools else (False,):
            told = messages
            if tools and not by_template:
                told = with_system(messages, instructions(tools, self._syntax))
            for shape in shapes:
                shaped = rewritten(told, shape, self._syntax)
                if shaped is not None:
                    yield tools if by_template else (), shaped, shape

    def _clean(self, message: Message, shield: Shield) -> Message:
        """A message without thoughts, and with nothing in it that would be read as a special token."""
        content = message.content
        if message.role == "assistant" and self._thoughts is not None:
            content = self._thoughts.without(content)
        content = shield.hide(content)
        if not message.tool_calls:
            return message if content is message.content else replace(message, content=content)
        calls = tuple(
            ToolCall(call.name, json.loads(shield.hide(json.dumps(call.arguments, ensure_ascii=False))))
            for call in message.tool_calls
        )
        return replace(message, content=content, tool_calls=calls)

    def _variables(
        self, messages: Sequence[Message], shape: Shape, tools: Sequence[ToolSpec], source: str
    ) -> dict[str, object]:
        variables: dict[str, object] = {
            "messages": dictionaries(messages, shape, source),
            "bos_token": self._facts.bos,
            "eos_token": self._facts.eos,
            "add_generation_prompt": True,
        }
        functions = [
            {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)} for tool in tools
        ]
        if tools:
            variables["tools"] = [{"type": "function", "function": function} for function in functions]
        if "functools" in source:  # Firefunction wants them as text, and a date
            variables |= {"functions": json.dumps(functions), "datetime": time.strftime("%Y-%m-%d")}
        return variables


class _Compiled:
    """One template with what its source says about it."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.switch = ThinkingSwitch(source)
        self.takes_tools = _TAKES_TOOLS.search(source) is not None
        self._template: SafeTemplate | EngineError | None = None
        if source:
            try:
                self._template = SafeTemplate(source)
            except TemplateError as error:
                self._template = error

    def template(self) -> SafeTemplate:
        """The template, if it could be compiled."""
        if isinstance(self._template, SafeTemplate):
            return self._template
        raise self._template or TemplateError("There is no chat template.")


def _size(variables: dict[str, object]) -> int:
    """Characters of the conversation, which the bounds of the rendering follow from."""
    messages = variables["messages"]
    assert isinstance(messages, list)
    contents = sum(len(message["content"] or "") for message in messages)
    calls = sum(len(str(message["tool_calls"])) for message in messages if "tool_calls" in message)
    return contents + calls + MESSAGE_EXTRA_CHARS * len(messages) + len(str(variables.get("tools", "")))


def _holds(prompt: str, texts: Mapping[str, int]) -> bool:
    """Whether all texts are there often enough, as they are or escaped as in JSON."""
    return all(
        prompt.count(text) >= times or prompt.count(json.dumps(text, ensure_ascii=False)[1:-1]) >= times
        for text, times in texts.items()
    )


def _reported(failure: Exception | None) -> Exception:
    if not isinstance(failure, ConversationRefusedError):
        return failure or TemplateError("The model's chat template gave nothing.")
    words = " ".join(str(failure).split()).rstrip(".")[:300]
    return TemplateError(
        f"The model's chat template refuses this conversation: {words}.",
        "User and assistant messages usually have to take turns, beginning with the user.",
    )
