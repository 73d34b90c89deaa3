"""CodeFamily: models that can fill a gap in code."""

from collections.abc import Sequence
from typing import Final, Literal

from engine.plugins.api import (
    Accepts,
    CapabilityError,
    Composition,
    GenerateRequest,
    ModelFacts,
    Recognition,
    Text,
    Token,
    ToolCall,
)
from plugins.code.marks import Marks, marks_of

POOLING_NONE: Final = 0


class CodeFamily:
    """Models whose vocabulary has marks for a gap."""

    id = "code"

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Take GGUF models with marks that are no embedders."""
        pooling = facts.metadata.get(f"{facts.architecture}.pooling_type", POOLING_NONE)
        if facts.format != "gguf" or pooling != POOLING_NONE or marks_of(facts) is None:
            return None
        return Recognition(accepts=frozenset({Accepts.SUFFIX}), tasks=("infill",), confidence=0.5)

    def open(self, facts: ModelFacts) -> "CodeFormat":
        """Read the marks.

        Raises:
            CapabilityError: the model has none.
        """
        marks = marks_of(facts)
        if marks is None:
            raise CapabilityError(f"{facts.name} cannot fill in the middle.", "Pick a code model that can.")
        return CodeFormat(marks)


class CodeFormat:
    """How one model wants to see a gap.

    Thread: any.
    """

    def __init__(self, marks: Marks) -> None:
        self._marks = marks

    def compose(self, request: GenerateRequest) -> Composition:
        """Put the marks around what stands before and after the gap; the code itself can name no special token."""
        marks = self._marks
        before = (Token(marks.prefix), Text(request.prompt or ""))
        after = (Token(marks.suffix), Text(request.suffix or ""))
        last = () if marks.middle is None else (Token(marks.middle),)
        parts = (*after, *before, *last) if marks.suffix_first else (*before, *after, *last)
        return Composition(parts=parts, stop=marks.stop)

    def read_tool_calls(self, blocks: Sequence[str]) -> Sequence[ToolCall]:
        """None: code in a gap calls no tool."""
        return ()

    def embedding_text(self, text: str, purpose: Literal["document", "query"]) -> str:
        """The text as it is; these models make no vectors."""
        return text
