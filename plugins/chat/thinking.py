"""Thoughts: the marks that models put around them, and how a model is asked to think, or not to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.plugins.api import ModelFacts, Span

_VARIABLE: Final = re.compile(r"(?<![.\w])(enable_thinking|thinking|thinking_budget|reasoning_effort)\b")
_COMMENT: Final = re.compile(r"\{#.*?#\}", re.DOTALL)
_SWITCH: Final = "/no_think"


@dataclass(frozen=True, slots=True)
class Thoughts:
    """The marks of one family.

    Attributes:
        open: before thoughts.
        close: after them.
        hint: what in a chat template gives the family away; empty: one of the marks.
        extra: more stretches of an answer to take out.
        stop: texts that end the answer.
    """

    open: str
    close: str
    hint: str = ""
    extra: tuple[Span, ...] = ()
    stop: tuple[str, ...] = ()

    @property
    def spans(self) -> tuple[Span, ...]:
        """How an answer is to be split."""
        return (Span("thinking", self.open, self.close), *self.extra)

    def without(self, answer: str) -> str:
        """An earlier answer without the thoughts before it, which no model is to see again."""
        if not answer.lstrip().startswith(self.open):
            return answer
        return answer.partition(self.close)[2].lstrip("\n")


HARMONY: Final = Thoughts(  # gpt-oss
    "<|channel|>analysis<|message|>",
    "<|end|>",
    "<|channel|>",
    (Span("thinking", "<|start|>assistant<|channel|>analysis<|message|>", "<|end|>"),),
)
THINK: Final = Thoughts("<think>", "</think>")
FAMILIES: Final = (
    HARMONY,
    Thoughts("<|channel>thought", "<channel|>"),  # Gemma 4
    Thoughts("[THINK]", "[/THINK]"),  # Magistral, Ministral
    Thoughts("<seed:think>", "</seed:think>"),
    Thoughts("<|START_THINKING|>", "<|END_THINKING|>"),  # Command R7B, Command A
    Thoughts("◁think▷", "◁/think▷"),  # Kimi
    Thoughts("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    Thoughts("<thought>", "</thought>"),  # EXAONE Deep
    Thoughts("Here is my thought process:", "Here is my response:"),  # Granite 3.2
    Thoughts(  # Granite 3.3 puts its answer between marks, too
        "<think>", "</think>", "<response></response>", (Span("mark", "<respo", "nse>"),), ("</response>",)
    ),
    THINK,  # DeepSeek, Qwen, GLM, MiniMax, Nemotron and most others
)


def thoughts_of(source: str, facts: ModelFacts) -> Thoughts | None:
    """Marks of a model, by its chat template, else by its special tokens; None if it does not think aloud."""
    for family in FAMILIES:
        if family.hint in source if family.hint else family.open in source or family.close in source:
            return family
    return next((family for family in FAMILIES if not family.hint and family.open in facts.special_tokens), None)


class ThinkingSwitch:
    """How one template is told whether to let the model think.

    Thread: any.
    """

    def __init__(self, source: str) -> None:
        code = _COMMENT.sub("", source)
        self._names = frozenset(_VARIABLE.findall(code))
        self._by_word = not self._names and _SWITCH in code

    @property
    def is_variable(self) -> bool:
        """Whether the template decides by a variable, and can be trusted to do all that is needed."""
        return bool(self._names)

    def variables(self, wanted: bool | None) -> Mapping[str, object]:
        """What the template sees."""
        if wanted is None:
            return {}
        values = {
            "enable_thinking": wanted,
            "thinking": wanted,
            "thinking_budget": -1 if wanted else 0,
            "reasoning_effort": "medium" if wanted else "low",
        }
        return {name: values[name] for name in sorted(self._names)}

    def word(self, wanted: bool | None) -> str:
        """What has to be said in the system message; empty if nothing."""
        return _SWITCH if self._by_word and wanted is False else ""


def settle(prompt: str, thoughts: Thoughts | None, wanted: bool | None) -> tuple[str, bool]:
    """See whether a prompt ends inside thoughts, and close them if none are wanted.

    Returns:
        The prompt, and whether the answer begins with thoughts.
    """
    if thoughts is HARMONY and wanted is False:
        return f"{prompt}<|channel|>final<|message|>", False
    if thoughts is None or not prompt.rstrip().endswith(thoughts.open):
        return prompt, False
    if wanted is False:
        return f"{prompt.rstrip()}\n\n{thoughts.close}\n\n", False
    return prompt, True
