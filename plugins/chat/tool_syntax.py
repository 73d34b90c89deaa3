"""How models write calls of tools: the marks around them, and how to write one in the same way."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.plugins.api import Span, ToolCall, ToolSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSyntax:
    """One way to write calls.

    Attributes:
        hints: texts in a chat template that give it away; each has to occur.
        spans: where calls stand in an answer.
        before: the start of a list of calls.
        call: one of them, with `{name}`, `{arguments}` (JSON) and `{quoted}` (a JSON object of both).
        between: what separates them.
        after: the end of a list of calls.
    """

    hints: tuple[str, ...]
    spans: tuple[Span, ...]
    before: str = ""
    call: str = "{quoted}"
    between: str = "\n"
    after: str = ""

    def write(self, calls: Sequence[ToolCall]) -> str:
        """Write calls as the model does."""
        return self.before + self.between.join(self._one(call) for call in calls) + self.after

    def _one(self, call: ToolCall) -> str:
        arguments = json.dumps(call.arguments, ensure_ascii=False)
        quoted = f'{{"name": {json.dumps(call.name)}, "arguments": {arguments}}}'
        text = self.call.replace("{name}", call.name).replace("{quoted}", quoted)
        return text.replace("{arguments}", arguments)


def _spans(*marks: tuple[str, str]) -> tuple[Span, ...]:
    return tuple(Span("tool", opening, closing) for opening, closing in marks)


HERMES: Final = ToolSyntax(
    hints=("<tool_call>",),
    spans=_spans(("<tool_call>", "</tool_call>")),
    call="<tool_call>\n{quoted}\n</tool_call>",
)
LLAMA_3: Final = ToolSyntax(
    hints=("ipython", '"parameters"'),
    spans=_spans(
        ("<|python_tag|>", ""), ('{"name": "', ""), ('{"name":"', ""), ('{"type": "function"', ""),
        ('{"function": "', ""),
    ),
    call='{"name": "{name}", "parameters": {arguments}}',
)  # fmt: skip
HARMONY: Final = ToolSyntax(
    hints=("<|channel|>", "<|message|>"),
    spans=(
        *_spans(
            ("<|start|>assistant to=functions.", "<|call|>"),
            ("<|start|>assistant<|channel|>commentary to=functions.", "<|call|>"),
            ("<|end|><|start|>assistant<|channel|>commentary to=functions.", "<|call|>"),
            ("<|channel|>commentary to=functions.", "<|call|>"),
            ("<|channel|>analysis to=functions.", "<|call|>"),
            (" to=functions.", "<|call|>"),
        ),
        Span("mark", "<|start|>assistant<|channel|>", "<|message|>"),
        Span("mark", "<|end|><|start|>assistant<|channel|>", "<|message|>"),
        Span("mark", "<|channel|>final", "<|message|>"),
        Span("mark", "<|channel|>commentary", "<|message|>"),
    ),
    call="<|channel|>commentary to=functions.{name} <|constrain|>json<|message|>{arguments}<|call|>",
)

SYNTAXES: Final = (
    HARMONY,
    ToolSyntax(
        hints=("<｜tool▁calls▁begin｜>",),
        spans=_spans(("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>")),
        before="<｜tool▁calls▁begin｜>",
        call="<｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n{arguments}\n```<｜tool▁call▁end｜>",
        after="<｜tool▁calls▁end｜>",
    ),
    ToolSyntax(  # Mistral
        hints=("[TOOL_CALLS]",),
        spans=_spans(("[TOOL_CALLS]", "")),
        before="[TOOL_CALLS][",
        between=", ",
        after="]",
    ),
    ToolSyntax(  # Kimi K2
        hints=("<|tool_calls_section_begin|>",),
        spans=_spans(("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>")),
        before="<|tool_calls_section_begin|>",
        call="<|tool_call_begin|>functions.{name}:0<|tool_call_argument_begin|>{arguments}<|tool_call_end|>",
        between="",
        after="<|tool_calls_section_end|>",
    ),
    ToolSyntax(  # LFM 2
        hints=("<|tool_call_start|>",),
        spans=_spans(("<|tool_call_start|>", "<|tool_call_end|>")),
        before="<|tool_call_start|>[",
        between=", ",
        after="]<|tool_call_end|>",
    ),
    ToolSyntax(  # Gemma 4
        hints=("<|tool_call>",),
        spans=_spans(("<|tool_call>", "<tool_call|>")),
        call="<|tool_call>call:{name}{arguments}<tool_call|>",
        between="",
    ),
    ToolSyntax(  # Phi 4
        hints=("<|/tool_call|>",),
        spans=_spans(("<|tool_call|>", "<|/tool_call|>")),
        call="<|tool_call|>{quoted}<|/tool_call|>",
    ),
    ToolSyntax(  # Granite
        hints=("<|tool_call|>",),
        spans=_spans(("<|tool_call|>", "")),
        before="<|tool_call|>[",
        between=", ",
        after="]",
    ),
    ToolSyntax(
        hints=("<seed:tool_call>",),
        spans=_spans(("<seed:tool_call>", "</seed:tool_call>")),
        call="<seed:tool_call>\n{quoted}\n</seed:tool_call>",
    ),
    ToolSyntax(
        hints=("<minimax:tool_call>",),
        spans=_spans(("<minimax:tool_call>", "</minimax:tool_call>")),
        call="<minimax:tool_call>\n{quoted}\n</minimax:tool_call>",
    ),
    ToolSyntax(  # Nemotron
        hints=("<TOOLCALL>",),
        spans=_spans(("<TOOLCALL>", "</TOOLCALL>")),
        before="<TOOLCALL>[",
        between=", ",
        after="]</TOOLCALL>",
    ),
    ToolSyntax(  # Command R7B, Command A
        hints=("<|START_ACTION|>",),
        spans=_spans(("<|START_ACTION|>", "<|END_ACTION|>")),
        before="<|START_ACTION|>[",
        call='{"tool_name": "{name}", "parameters": {arguments}}',
        between=", ",
        after="]<|END_ACTION|>",
    ),
    ToolSyntax(  # Command R, R+
        hints=("Action:", "tool_name"),
        spans=_spans(("Action:", "")),
        before="Action: ```json\n[",
        call='{"tool_name": "{name}", "parameters": {arguments}}',
        between=", ",
        after="]\n```",
    ),
    HERMES,
    ToolSyntax(  # Functionary 3.1
        hints=("<function=",),
        spans=_spans(("<function=", "</function>"), ("<|python_tag|>", "")),
        call="<function={name}>{arguments}</function>",
    ),
    ToolSyntax(  # Functionary 3.2
        hints=(">>>all",),
        spans=(Span("tool", ">>>", ""), Span("mark", ">>>al", "l\n")),  # `all` is the person, not a tool
        call=">>>{name}\n{arguments}",
        between="",
    ),
    ToolSyntax(  # Firefunction
        hints=("functools[",),
        spans=_spans(("functools[", "")),
        before="functools[",
        between=", ",
        after="]",
    ),
    LLAMA_3,
)


def syntax_of(source: str) -> ToolSyntax:
    """How a model writes calls, by its chat template; like Hermes, which most models know, if that says nothing."""
    return next((syntax for syntax in SYNTAXES if all(hint in source for hint in syntax.hints)), HERMES)


def instructions(tools: Sequence[ToolSpec], syntax: ToolSyntax) -> str:
    """What to tell a model about tools whose template does not do so."""
    specs = "\n".join(
        json.dumps(
            {"name": tool.name, "description": tool.description, "parameters": tool.parameters}, ensure_ascii=False
        )
        for tool in tools
    )
    example = syntax.write([ToolCall("NAME", {"ARGUMENT": "VALUE"})])
    return (
        f"You can call these tools:\n{specs}\n\nTo call a tool, write only this, with its name and arguments:\n"
        f"{example}\nThe result will be given to you. If no tool helps, answer without one."
    )
