"""ChatFormat: a conversation in the words of one model, and what the model writes back."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from engine.plugins.api import CapabilityError, Composition, GenerateRequest, ModelFacts, Span, Text, ToolCall
from plugins.chat.calls import read_calls
from plugins.chat.rendering import Renderer
from plugins.chat.shield import Shield
from plugins.chat.sources import Sources
from plugins.chat.thinking import HARMONY, settle, thoughts_of
from plugins.chat.tool_syntax import syntax_of

_TURN_ENDS: Final = (
    "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>", "<turn|>", "<|END_OF_TURN_TOKEN|>", "<|end_of_text|>",
    "<｜end▁of▁sentence｜>", "[e~[",
)  # fmt: skip
"""What ends a turn; some files forget to say so."""
_RECIPIENT: Final = ">>>"  # Functionary's templates open the answer with it, and the model continues with a name


class ChatFormat:
    """How to talk to one model.

    Thread: any.
    """

    def __init__(self, facts: ModelFacts, sources: Sources) -> None:
        """Get to know a model; a template that cannot be used is reported when a conversation asks for it."""
        source = sources.chat + sources.tools
        self._facts = facts
        self._syntax = syntax_of(source)
        self._thoughts = thoughts_of(source, facts)
        self._renderer = Renderer(facts, sources, self._syntax, self._thoughts)
        ends = () if self._thoughts is HARMONY else tuple(mark for mark in _TURN_ENDS if mark in source)
        self._stop = (*ends, *sources.stop, *(self._thoughts.stop if self._thoughts else ()))

    def compose(self, request: GenerateRequest) -> Composition:
        """Render a conversation; plain text stays as it is, and may name special tokens.

        Raises:
            CapabilityError: there is no chat template, or the request has a suffix.
            TemplateError: the template cannot be used, or refuses the conversation.
        """
        if request.suffix is not None:
            raise CapabilityError(f"{self._facts.name} cannot fill in the middle.", "Pick a code model that can.")
        if request.prompt is not None:
            return Composition(parts=(Text(request.prompt, special=True),))
        is_formal = request.json_schema is not None or request.grammar is not None
        if is_formal:  # a grammar holds from the first token on, which leaves no room for thoughts and calls
            request = replace(request, thinking=False, tools=())
        shield = Shield(self._facts.special_tokens)
        prompt, thinks = settle(self._prompt(request, shield), self._thoughts, request.thinking)
        return Composition(
            parts=shield.parts(prompt),
            stop=self._stop,
            spans=() if is_formal else self._spans(bool(request.tools)),
            begins_in="thinking" if thinks else None,
        )

    def read_tool_calls(self, blocks: Sequence[str]) -> Sequence[ToolCall]:
        """Read calls, however the model writes them.

        Raises:
            InvalidRequestError: a block holds none.
        """
        return read_calls(blocks)

    def embedding_text(self, text: str, purpose: Literal["document", "query"]) -> str:
        """The text as it is; these models make no vectors."""
        return text

    def _prompt(self, request: GenerateRequest, shield: Shield) -> str:
        prompt = self._renderer.render(request, shield)
        return prompt.removesuffix(_RECIPIENT) if self._syntax.spans[0].open == _RECIPIENT else prompt

    def _spans(self, has_tools: bool) -> tuple[Span, ...]:
        thoughts = self._thoughts.spans if self._thoughts else ()
        calls = tuple(span for span in self._syntax.spans if has_tools or span.kind == "mark")
        return (*thoughts, *calls)
