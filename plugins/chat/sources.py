"""Sources: the chat templates of a model, from its file."""

from dataclasses import dataclass
from typing import Final

from engine.plugins.api import ModelFacts

KEY: Final = "tokenizer.chat_template"


@dataclass(frozen=True, slots=True)
class Sources:
    """Jinja sources; empty where there is none.

    Attributes:
        chat: for conversations.
        tools: for conversations with tools; empty: `chat` serves them too.
    """

    chat: str
    tools: str

    @property
    def is_empty(self) -> bool:
        """Whether there is no template at all."""
        return not self.chat


def sources_of(facts: ModelFacts) -> Sources:
    """Find the templates of a model."""
    chat = facts.metadata.get(KEY, "")
    tools = facts.metadata.get(f"{KEY}.tool_use", "")
    return Sources(chat if isinstance(chat, str) else "", tools if isinstance(tools, str) else "")
