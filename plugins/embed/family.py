"""EmbedFamily: models that turn texts into vectors."""

from collections.abc import Sequence
from typing import Final, Literal

from engine.plugins.api import (
    Accepts,
    CapabilityError,
    Composition,
    GenerateRequest,
    ModelFacts,
    Recognition,
    ToolCall,
)
from plugins.embed.prompts import Prompts, prompts_of

ENCODERS: Final = frozenset({
    "bert", "eurobert", "gemma-embedding", "jina-bert-v2", "jina-bert-v3", "llama-embed", "modern-bert", "neo-bert",
    "nomic-bert", "nomic-bert-moe", "t5encoder",
})  # fmt: skip
"""GGUF architectures that write nothing."""
POOLS_INTO_VECTOR: Final = frozenset({1, 2, 3})  # mean, first, last token
POOLS_INTO_RANK: Final = 4
GRAPH_INPUTS: Final = frozenset({"input_ids", "attention_mask", "token_type_ids", "position_ids"})


class EmbedFamily:
    """Sentence embedders, as GGUF or as an ONNX graph with its tokenizer."""

    id = "embed"

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Take encoders, models that pool their tokens, and graphs that read tokens."""
        found = _is_graph(facts) if facts.format == "onnx" else _is_embedder(facts)
        return Recognition(accepts=frozenset({Accepts.TEXTS}), tasks=("embedding",)) if found else None

    def open(self, facts: ModelFacts) -> "EmbedFormat":
        """Find out which words the model wants around a text."""
        return EmbedFormat(prompts_of(facts))


class EmbedFormat:
    """What one embedder wants to see around a text.

    Thread: any.
    """

    def __init__(self, prompts: Prompts) -> None:
        self._prompts = prompts

    def compose(self, request: GenerateRequest) -> Composition:
        """Refuse: these models write nothing."""
        raise CapabilityError(f"{request.model} makes vectors and writes nothing.", "Pick a model that writes.")

    def read_tool_calls(self, blocks: Sequence[str]) -> Sequence[ToolCall]:
        """None: these models write nothing."""
        return ()

    def embedding_text(self, text: str, purpose: Literal["document", "query"]) -> str:
        """Put the words of the model before a text."""
        before = self._prompts.query if purpose == "query" else self._prompts.document
        return before + text


def _is_embedder(facts: ModelFacts) -> bool:
    pooling = facts.metadata.get(f"{facts.architecture}.pooling_type")
    if pooling == POOLS_INTO_RANK:
        return False
    return facts.architecture in ENCODERS or pooling in POOLS_INTO_VECTOR


def _is_graph(facts: ModelFacts) -> bool:
    task = facts.card.get("task", "")
    if task and task != "embedding":
        return False
    if not facts.has_tokenizer and not task:
        return False
    return not facts.inputs or {item.name for item in facts.inputs} <= GRAPH_INPUTS
