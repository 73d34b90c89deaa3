"""ChatFormat: a conversation in the words of one model, and what the model writes back."""

from collections.abc import Sequence
from typing import Final, Literal

from engine.plugins.api import (
    CapabilityError,
    Composition,
    ConversationRefusedError,
    GenerateRequest,
    Message,
    ModelFacts,
    SafeTemplate,
    TemplateError,
    Text,
    ToolCall,
)
from plugins.chat.sources import Sources

MESSAGE_EXTRA_CHARS: Final = 64  # role markers


class ChatFormat:
    """How to talk to one model.

    Thread: any.
    """

    def __init__(self, facts: ModelFacts, sources: Sources) -> None:
        """Compile the template.

        Raises:
            TemplateError: it cannot be used.
        """
        self._name = facts.name
        self._bos, self._eos = facts.bos, facts.eos
        self._template = SafeTemplate(sources.chat) if sources.chat else None

    def compose(self, request: GenerateRequest) -> Composition:
        """Render a conversation, or take plain text as it is; both may name special tokens."""
        if request.suffix is not None:
            raise CapabilityError(f"{self._name} cannot fill in the middle.", "Pick a code model that can.")
        if request.prompt is not None:
            return Composition(parts=(Text(request.prompt, special=True),))
        return Composition(parts=(Text(self._rendered(request.messages), special=True),))

    def read_tool_calls(self, blocks: Sequence[str]) -> Sequence[ToolCall]:
        """Read calls of tools."""
        return ()

    def embedding_text(self, text: str, purpose: Literal["document", "query"]) -> str:
        """The text as it is; these models make no vectors."""
        return text

    def _rendered(self, messages: Sequence[Message]) -> str:
        """Render; a template that refuses system messages gets them as the start of the first user message."""
        if self._template is None:
            raise CapabilityError(
                f"{self._name} has no chat template.", "Give it a plain prompt, or pick a chat model."
            )
        try:
            return self._render(self._template, messages)
        except ConversationRefusedError as refusal:
            merged = _without_system(messages)
            if merged is None:
                raise _refused(refusal) from refusal
        try:
            return self._render(self._template, merged)
        except ConversationRefusedError as refusal:
            raise _refused(refusal) from refusal

    def _render(self, template: SafeTemplate, messages: Sequence[Message]) -> str:
        variables = {
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "bos_token": self._bos,
            "eos_token": self._eos,
            "add_generation_prompt": True,
        }
        return template.render(variables, sum(len(message.content) + MESSAGE_EXTRA_CHARS for message in messages))


def _without_system(messages: Sequence[Message]) -> list[Message] | None:
    """The same conversation with the leading system message moved into the first user message; None if it has none."""
    if len(messages) < 2 or messages[0].role != "system" or messages[1].role != "user":
        return None
    first = Message("user", f"{messages[0].content}\n\n{messages[1].content}")
    return [first, *messages[2:]]


def _refused(refusal: ConversationRefusedError) -> TemplateError:
    words = " ".join(str(refusal).split()).rstrip(".")[:300]
    return TemplateError(
        f"The model's chat template refuses this conversation: {words}.",
        "User and assistant messages usually have to take turns, beginning with the user.",
    )
