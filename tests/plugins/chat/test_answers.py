# ruff: noqa: E501  (what models write)
"""Answers of the families, taken apart by the scanner that the engine uses."""

import pytest

from engine.backends.llama.spans import MarkedSpan, Part, SpanScanner
from engine.plugins.api import ToolCall, ToolSpec, user

WEATHER = ToolSpec(
    "weather", "Says how the weather is.", {"type": "object", "properties": {"city": {"type": "string"}}}
)
PARIS = ToolCall("weather", {"city": "Paris"})
# family, what the model writes, what it says, what it thinks, what it calls
ANSWERS = {
    "Qwen 3 thinks and calls": (
        "qwen-3",
        '<think>\nI should look.\n</think>\n\n<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>',
        ("", "I should look.\n", [PARIS]),
    ),
    "Qwen 3 calls twice": (
        "qwen-3",
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>\n<tool_call>\n{"name": "weather", "arguments": {"city": "Rome"}}\n</tool_call>',
        ("", "", [PARIS, ToolCall("weather", {"city": "Rome"})]),
    ),
    "DeepSeek R1 begins in thoughts": (
        "deepseek-r1",
        "Easy.\n</think>\n\nIt is mild.",
        ("It is mild.", "Easy.\n", []),
    ),
    "DeepSeek R1 calls": (
        "deepseek-r1",
        'Hm.</think><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{"city": "Paris"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>',
        ("", "Hm.", [PARIS]),
    ),
    "gpt-oss thinks and answers": (
        "gpt-oss",
        "<|channel|>analysis<|message|>They greet.<|end|><|start|>assistant<|channel|>final<|message|>Hello!",
        ("Hello!", "They greet.", []),
    ),
    "gpt-oss thinks twice": (
        "gpt-oss",
        "<|channel|>analysis<|message|>One. <|end|><|start|>assistant<|channel|>analysis<|message|>Two.<|end|><|start|>assistant<|channel|>final<|message|>Hello!",
        ("Hello!", "One. Two.", []),
    ),
    "gpt-oss calls": (
        "gpt-oss",
        '<|channel|>analysis<|message|>Look it up.<|end|><|start|>assistant<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city": "Paris"}<|call|>',
        ("", "Look it up.", [PARIS]),
    ),
    "gpt-oss calls, role first": (
        "gpt-oss",
        '<|channel|>analysis<|message|>Look.<|end|><|start|>assistant to=functions.weather<|channel|>commentary json<|message|>{"city": "Paris"}',
        ("", "Look.", [PARIS]),
    ),
    "gpt-oss says what it is about to do": (
        "gpt-oss",
        '<|channel|>commentary<|message|>I will look.<|end|><|start|>assistant<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city": "Paris"}<|call|>',
        ("I will look.", "", [PARIS]),
    ),
    "Llama 3.1": ("llama-3.1", '{"name": "weather", "parameters": {"city": "Paris"}}', ("", "", [PARIS])),
    "Llama 3.1 with a tag": (
        "llama-3.1",
        '<|python_tag|>{"type": "function", "name": "weather", "parameters": {"city": "Paris"}}',
        ("", "", [PARIS]),
    ),
    "Llama 3.1 only talks": ("llama-3.1", 'It is {"mild"} today.', ('It is {"mild"} today.', "", [])),
    "Mistral": ("mistral", '[TOOL_CALLS][{"name": "weather", "arguments": {"city": "Paris"}}]', ("", "", [PARIS])),
    "Magistral": (
        "magistral",
        '[THINK]Where?[/THINK]Let me see.[TOOL_CALLS]weather[ARGS]{"city": "Paris"}',
        ("Let me see.", "Where?", [PARIS]),
    ),
    "Granite thinks": (
        "granite-3.3",
        "<think>Hm.</think>\n<response>It is mild.",
        ("It is mild.", "Hm.", []),
    ),
    "Granite calls": (
        "granite-3.3",
        '<|tool_call|>[{"name": "weather", "arguments": {"city": "Paris"}}]',
        ("", "", [PARIS]),
    ),
    "Command R7B": (
        "command-r7b",
        '<|START_THINKING|>I will look.<|END_THINKING|><|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": "weather", "parameters": {"city": "Paris"}}\n]<|END_ACTION|>',
        ("", "I will look.", [PARIS]),
    ),
    "Gemma 4": (
        "gemma-4",
        '<|channel>thought\nHm.<channel|><|tool_call>call:weather{city:<|"|>Paris<|"|>}<tool_call|>',
        ("", "Hm.", [PARIS]),
    ),
    "Seed-OSS": (
        "seed-oss",
        "<seed:think>Hm.</seed:think>\n<seed:tool_call>\n<function=weather>\n<parameter=city>Paris</parameter>\n</function>\n</seed:tool_call>",
        ("", "Hm.", [PARIS]),
    ),
    "Phi 4": (
        "phi-4-mini",
        '<|tool_call|>[{"name": "weather", "arguments": {"city": "Paris"}}]<|/tool_call|>',
        ("", "", [PARIS]),
    ),
    "Functionary answers": ("functionary-3.2", ">>>all\nIt is mild.\nReally.", ("It is mild.\nReally.", "", [])),
    "Functionary calls": ("functionary-3.2", '>>>weather\n{"city": "Paris"}', ("", "", [PARIS])),
    "a model that learned it from the system message": (
        "gemma-2",
        'I see.\n<tool_call>\n{"name": "weather", "arguments": {"city": "Paris"}}\n</tool_call>',
        ("I see.\n", "", [PARIS]),
    ),
}


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_taken_apart(open_family, compose, name, size):
    family, text, (said, thought, called) = ANSWERS[name]
    rules = compose(family, messages=(user("Weather in Paris?"),), tools=(WEATHER,))
    scanner = SpanScanner([MarkedSpan.of(span) for span in rules.spans], rules.begins_in)
    pieces = [piece for start in range(0, len(text), size) for piece in scanner.push(text[start : start + size])]
    pieces += scanner.flush()
    kinds = {"answer": "", "thinking": "", "mark": ""}
    blocks: list[str] = []
    for piece in pieces:
        if piece.kind == "tool" and piece.part is Part.OPEN:
            blocks.append("")
        elif piece.part is Part.TEXT and piece.kind == "tool":
            blocks[-1] += piece.text
        elif piece.part is Part.TEXT:
            kinds[piece.kind] += piece.text
    assert (kinds["answer"], kinds["thinking"]) == (said, thought)
    assert list(open_family(family).read_tool_calls(blocks) if blocks else ()) == called
