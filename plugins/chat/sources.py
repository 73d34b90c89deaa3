"""Sources: the chat templates of a model, from its file, else what its family is known to have been trained with."""

from dataclasses import dataclass
from typing import Final

from engine.plugins.api import ModelFacts
from plugins.chat.known import known_template

KEY: Final = "tokenizer.chat_template"


@dataclass(frozen=True, slots=True)
class Sources:
    """Jinja sources; empty where there is none.

    Attributes:
        chat: for conversations.
        tools: for conversations with tools; empty: `chat` serves them too.
        stop: texts that end an answer, beside the model's end tokens.
    """

    chat: str = ""
    tools: str = ""
    stop: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is no template at all."""
        return not self.chat and not self.tools


def sources_of(facts: ModelFacts) -> Sources:
    """Find the templates of a model."""
    chat, tools = (facts.metadata.get(key, "") for key in (KEY, f"{KEY}.tool_use"))
    if isinstance(chat, str) and chat.strip():
        return Sources(chat, tools if isinstance(tools, str) else "")
    known = known_template(facts)
    return Sources(known.source, stop=known.stop) if known is not None else Sources()
