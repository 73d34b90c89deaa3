"""ChatFamily: GGUF models that write text, most of them with a chat template."""

from typing import TYPE_CHECKING, Final

from engine.plugins.api import Accepts, ModelFacts, Recognition
from plugins.chat.sources import Sources, sources_of

if TYPE_CHECKING:
    from plugins.chat.format import ChatFormat

ENCODERS: Final = frozenset({
    "bert", "eurobert", "gemma-embedding", "jina-bert-v2", "jina-bert-v3", "llama-embed", "modern-bert", "neo-bert",
    "nomic-bert", "nomic-bert-moe", "t5encoder",
})  # fmt: skip
"""Architectures that make vectors and write nothing."""
ENCODER_DECODERS: Final = frozenset({"t5"})
"""Architectures whose prompt goes through an encoder, which nothing here drives."""
POOLING_NONE: Final = 0


class ChatFamily:
    """Whatever writes text: to be talked to where it has, or is known to have been trained with, a chat template."""

    id = "chat"

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Take every GGUF model that writes text."""
        if facts.format != "gguf" or facts.architecture in ENCODERS | ENCODER_DECODERS:
            return None
        if facts.metadata.get(f"{facts.architecture}.pooling_type", POOLING_NONE) != POOLING_NONE:
            return None
        if sources_of(facts).is_empty:
            return Recognition(accepts=frozenset({Accepts.PROMPT}), tasks=("completion",), confidence=0.5)
        accepts = frozenset({Accepts.MESSAGES, Accepts.PROMPT})
        return Recognition(accepts=accepts, tasks=("chat", "completion"), confidence=0.5)

    def open(self, facts: ModelFacts) -> "ChatFormat":
        """Compile the template.

        Raises:
            TemplateError: it cannot be used.
        """
        from plugins.chat.format import ChatFormat  # most of the plugin, which Hearth's start need not wait for

        sources: Sources = sources_of(facts)
        return ChatFormat(facts, sources)
