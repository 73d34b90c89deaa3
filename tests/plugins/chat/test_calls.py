# ruff: noqa: E501  (what models write)
"""Calls of tools in the ways in which models write them."""

import time

import pytest

from engine.plugins.api import InvalidRequestError, ToolCall
from plugins.chat.calls import MAX_BLOCK_CHARS, read_calls
from plugins.chat.tool_syntax import SYNTAXES, syntax_of

PARIS = ToolCall("weather", {"city": "Paris"})
WRITTEN = {
    "JSON": '{"name": "weather", "arguments": {"city": "Paris"}}',
    "parameters": '{"name": "weather", "parameters": {"city": "Paris"}}',
    "arguments as text": '{"name": "weather", "arguments": "{\\"city\\": \\"Paris\\"}"}',
    "OpenAI": '{"type": "function", "function": {"name": "weather", "arguments": "{\\"city\\": \\"Paris\\"}"}}',
    "Llama 3.1 typed": '{"type": "function", "name": "weather", "parameters": {"city": "Paris"}}',
    "typed, mark taken off": ', "name": "weather", "parameters": {"city": "Paris"}}',
    "name, mark taken off": 'weather", "parameters": {"city": "Paris"}}',
    "fenced": '```json\n{"name": "weather", "arguments": {"city": "Paris"}}\n```',
    "Hermes list": '\n[{"name": "weather", "arguments": {"city": "Paris"}}]\n',
    "Mistral": '[{"name": "weather", "arguments": {"city": "Paris"}, "id": "call00001"}]',
    "Mistral with marks": 'weather[CALL_ID]abc123XYZ[ARGS]{"city": "Paris"}',
    "Mistral without marks": 'weather{"city": "Paris"}',
    "Command R": '[{"tool_name": "weather", "parameters": {"city": "Paris"}}]',
    "Command R+": ' ```json\n[\n    {\n        "tool_name": "weather",\n        "parameters": {"city": "Paris"}\n    }\n]```',
    "Command R7B": '[\n    {"tool_call_id": "0", "tool_name": "weather", "parameters": {"city": "Paris"}}\n]',
    "DeepSeek R1": '<｜tool▁call▁begin｜>function<｜tool▁sep｜>weather\n```json\n{"city": "Paris"}\n```<｜tool▁call▁end｜>',
    "DeepSeek V3.1": '<｜tool▁call▁begin｜>weather<｜tool▁sep｜>{"city": "Paris"}<｜tool▁call▁end｜>',
    "Kimi K2": '<|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>{"city": "Paris"}<|tool_call_end|>',
    "gpt-oss": 'weather <|constrain|>json<|message|>{"city": "Paris"}',
    "gpt-oss role first": 'weather<|channel|>commentary json<|message|>{"city": "Paris"}',
    "Functionary 3.1": 'weather>{"city": "Paris"}',
    "Functionary 3.1 whole": '<function=weather>{"city": "Paris"}</function>',
    "Functionary 3.2": 'weather\n{"city": "Paris"}',
    "Qwen3-Coder": "\n<function=weather>\n<parameter=city>\nParis\n</parameter>\n</function>\n",
    "Seed-OSS": "\n<function=weather>\n<parameter=city>Paris</parameter>\n</function>\n",
    "MiniMax": '\n<invoke name="weather">\n<parameter name="city">Paris</parameter>\n</invoke>\n',
    "GLM": "weather\n<arg_key>city</arg_key>\n<arg_value>Paris</arg_value>\n",
    "Gemma 4": 'call:weather{city:<|"|>Paris<|"|>}',
    "Python": '[weather(city="Paris")]',
    "Python in a fence": "```tool_code\nweather(city='Paris')\n```",
    "Firefunction": '{"name": "weather", "arguments": {"city": "Paris"}}]',
}


@pytest.mark.parametrize("way", WRITTEN)
def test_a_call_is_read(way):
    assert read_calls([WRITTEN[way]]) == [PARIS]


@pytest.mark.parametrize(
    "block",
    [
        '[{"name": "a", "arguments": {}}, {"name": "b", "arguments": {"n": 1}}]',
        '{"name": "a", "arguments": {}}\n{"name": "b", "arguments": {"n": 1}}',
        '{"name": "a", "parameters": {}}; {"name": "b", "parameters": {"n": 1}}',
        'a[ARGS]{}[TOOL_CALLS]b[ARGS]{"n": 1}',
        "<function=a></function><function=b><parameter=n>1</parameter></function>",
        "[a(), b(n=1)]",
        "call:a{}<tool_call|><|tool_call>call:b{n:1}",
    ],
)
def test_several_calls_stand_in_one_block(block):
    assert read_calls([block]) == [ToolCall("a", {}), ToolCall("b", {"n": 1})]


def test_several_blocks_are_read_in_order():
    assert [call.name for call in read_calls(['{"name": "a"}', '{"name": "b"}'])] == ["a", "b"]


def test_command_r_calls_nothing_by_answering_directly():
    assert read_calls(['[{"tool_name": "directly-answer", "parameters": {}}]']) == []


@pytest.mark.parametrize(
    ("block", "arguments"),
    [
        ('call:f{a:{b:[1,2],c:true},d:<|"|>x, y}<|"|>}', {"a": {"b": [1, 2], "c": True}, "d": "x, y}"}),
        ("<function=f><parameter=n>2.5</parameter><parameter=s>a\nb</parameter></function>", {"n": 2.5, "s": "a\nb"}),
        (
            "<function=f><parameter=l>[1, 2]</parameter><parameter=z>007</parameter></function>",
            {"l": [1, 2], "z": "007"},
        ),
        ("f(a=[1, (2, 3)], b={'k': None}, c=-1.5)", {"a": [1, [2, 3]], "b": {"k": None}, "c": -1.5}),
    ],
)
def test_arguments_keep_their_types(block, arguments):
    assert read_calls([block]) == [ToolCall("f", arguments)]


@pytest.mark.parametrize(
    "block",
    [
        "",
        "I would rather talk about the weather.",
        '{"name": "f", "arguments": {"a": 1}',
        '{"arguments": {}}',
        '{"name": "Bob", "age": 3}',
        '{"name": "f", "arguments": [1]}',
        '{"name": "f", "arguments": "no JSON"}',
        '{"name": "", "arguments": {}}',
        '{"name": "f", "arguments": {"a": NaN}}',
        f'{{"name": "{"x" * 200}", "arguments": {{}}}}',
        "[1, 2, 3]",
        "f(open('/etc/passwd'))",
        "f(a=__import__('os'))",
        "f(a=b'bytes')",
        "call:f{a:",
        "<function=f><parameter=a>never ends",
        "[" * 5_000,
        "(" * 5_000,
    ],
)
def test_what_is_no_call_is_refused(block):
    with pytest.raises(InvalidRequestError, match="no readable call"):
        read_calls([block])


def test_absurd_lengths_and_numbers_are_refused():
    with pytest.raises(InvalidRequestError, match="characters"):
        read_calls(["x" * (MAX_BLOCK_CHARS + 1)])
    with pytest.raises(InvalidRequestError, match="65 calls"):
        read_calls(['{"name": "f"}'] * 65)


@pytest.mark.parametrize(
    "piece",
    [
        "<parameter=a>",
        "<function=a>",
        "<arg_key>a</arg_key>",
        "functions.a:0 ",
        "json ",
        "[TOOL_CALLS] ",
        "call:a{",
        '{"a":',
        "```json ",
    ],
)
def test_hostile_blocks_are_read_in_no_time(piece):
    start = time.perf_counter()
    with pytest.raises(InvalidRequestError):
        read_calls([(piece * MAX_BLOCK_CHARS)[: MAX_BLOCK_CHARS - 1] + "!"])
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda syntax: syntax.hints[0])
def test_what_is_written_for_the_model_can_be_read_back(syntax):
    text = syntax.write([PARIS, ToolCall("time", {})])
    for span in sorted((span for span in syntax.spans if span.kind == "tool"), key=lambda span: -len(span.open)):
        if span.open in text and span.close:
            blocks = [part.split(span.close)[0] for part in text.split(span.open)[1:]]
            break
        if text.startswith(span.open):
            blocks = [text.removeprefix(span.open)]
            break
    assert read_calls(blocks) == [PARIS, ToolCall("time", {})]


def test_most_models_know_how_hermes_calls():
    assert syntax_of("nothing about tools").hints == ("<tool_call>",)
