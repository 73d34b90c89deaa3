# ruff: noqa: E501  (the prompts)
"""Every family x system message, several turns, tools, results, thinking."""

import pytest

from engine.plugins.api import GenerateRequest, Message, ToolCall, ToolSpec, assistant, system, user
from plugins.chat.family import ChatFamily

WEATHER = ToolSpec(
    "get_weather",
    "Says how the weather is.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
ASKED = (system("Be brief."), user("Hi"), assistant("Hello."), user("Weather in Paris?"))
CALL = Message("assistant", "", tool_calls=(ToolCall("get_weather", {"city": "Paris"}),))
RESULT = Message("tool", "18 degrees", tool_name="get_weather")
CALLED = (*ASKED, CALL, RESULT)

FAMILIES = [
    "qwen-3", "llama-3.1", "mistral", "gemma-2", "gemma-4", "deepseek-r1", "granite-3.3", "phi-4-mini", "command-r7b",
    "gpt-oss", "seed-oss", "magistral", "functionary-3.2",
]  # fmt: skip
TALK = {
    "qwen-3": (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>"
        "\n<|im_start|>user\nWeather in Paris?<|im_end|>\n<|im_start|>assistant\n"
    ),
    "mistral": "<s>[INST]Hi[/INST]Hello.</s>[INST]Be brief.\n\nWeather in Paris?[/INST]",
    "gemma-2": (
        "<s><start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nHello.<end_of_turn>\n"
        "<start_of_turn>user\nWeather in Paris?<end_of_turn>\n<start_of_turn>model\n"
    ),
    "deepseek-r1": (
        "<s>Be brief.<｜User｜>Hi<｜Assistant｜>Hello.<｜end▁of▁sentence｜><｜User｜>Weather in Paris?<｜Assistant｜><think>\n"
    ),
    "granite-3.3": (
        "<|start_of_role|>system<|end_of_role|>Be brief.<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>Hi"
        "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>Hello.<|end_of_text|>\n<|start_of_role|>user"
        "<|end_of_role|>Weather in Paris?<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>"
    ),
    "phi-4-mini": (
        "<|system|>Be brief.<|end|><|user|>Hi<|end|><|assistant|>Hello.<|end|><|user|>Weather in Paris?<|end|><|assistant|>"
    ),
    "magistral": (
        "<s>[SYSTEM_PROMPT]Be brief. Think between [THINK] and [/THINK].[/SYSTEM_PROMPT][INST]Hi[/INST]Hello.</s>"
        "[INST]Weather in Paris?[/INST]"
    ),
}
CALLS = {
    "qwen-3": '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>',
    "llama-3.1": '{"name": "get_weather", "parameters": {"city": "Paris"}}<|eot_id|>',
    "mistral": '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Paris"}, "id": "call00001"}]</s>',
    "gemma-2": '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call><end_of_turn>',
    "gemma-4": '<|tool_call>call:get_weather{city:<|"|>Paris<|"|>}<tool_call|>',
    "deepseek-r1": (
        "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
        '{"city": "Paris"}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>'
    ),
    "granite-3.3": '<|tool_call|>[{"name": "get_weather", "arguments": {"city": "Paris"}}]<|end_of_text|>',
    "phi-4-mini": '<|tool_call|>{"name": "get_weather", "arguments": {"city": "Paris"}}<|/tool_call|>',
    "command-r7b": '<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "get_weather", "parameters": {"city": "Paris"}}]',
    "gpt-oss": '<|start|>assistant to=functions.get_weather<|channel|>commentary json<|message|>{"city": "Paris"}<|call|>',
    "seed-oss": "<seed:tool_call>\n<function=get_weather>\n<parameter=city>Paris</parameter>\n</function>\n",
    "magistral": '[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}</s>',
    "functionary-3.2": '>>>get_weather\n{"city": "Paris"}<|eot_id|>',
}
RESULTS = {
    "qwen-3": "<tool_response>\n18 degrees\n</tool_response>",
    "llama-3.1": '<|start_header_id|>ipython<|end_header_id|>\n\n"18 degrees"<|eot_id|>',
    "mistral": '[TOOL_RESULTS]{"content": 18 degrees, "call_id": "call00001"}[/TOOL_RESULTS]',
    "gemma-2": "<start_of_turn>user\nResult of get_weather:\n18 degrees<end_of_turn>",
    "deepseek-r1": "<｜tool▁output▁begin｜>18 degrees<｜tool▁output▁end｜>",
    "gpt-oss": '<|start|>functions.get_weather to=assistant<|channel|>commentary<|message|>"18 degrees"<|end|>',
    "command-r7b": '<|START_TOOL_RESULT|>"18 degrees"<|END_TOOL_RESULT|>',
}


@pytest.mark.parametrize("family", TALK)
def test_system_and_several_turns_are_rendered_as_the_authors_meant(prompt_of, family):
    assert prompt_of(family, messages=ASKED) == TALK[family]


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_of_a_conversation_is_lost(prompt_of, family):
    prompt = prompt_of(family, messages=ASKED)
    assert all(text in prompt for text in ("Be brief.", "Hi", "Hello.", "Weather in Paris?"))
    assert "get_weather" not in prompt


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_learns_of_tools(compose, prompt_of, family):
    prompt = prompt_of(family, messages=ASKED, tools=(WEATHER,))
    assert "get_weather" in prompt
    assert "Be brief." in prompt
    assert any(span.kind == "tool" for span in compose(family, messages=ASKED, tools=(WEATHER,)).spans)
    assert all(span.kind != "tool" for span in compose(family, messages=ASKED).spans)


@pytest.mark.parametrize("family", FAMILIES)
def test_calls_are_shown_as_the_model_writes_them(prompt_of, family):
    assert CALLS[family] in prompt_of(family, messages=CALLED, tools=(WEATHER,))


@pytest.mark.parametrize("family", FAMILIES)
def test_results_reach_every_family(prompt_of, family):
    prompt = prompt_of(family, messages=CALLED, tools=(WEATHER,))
    assert RESULTS.get(family, "18 degrees") in prompt
    assert prompt.index("18 degrees") > prompt.rindex("Paris")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_calls_that_a_family_writes_are_read_back(open_family, compose, family):
    written = CALLS[family]
    spans = [span for span in compose(family, messages=ASKED, tools=(WEATHER,)).spans if span.kind == "tool"]
    span = next(span for span in sorted(spans, key=lambda item: -len(item.open)) if span.open in written)
    block = written.split(span.open, 1)[1]
    block = block.split(span.close, 1)[0] if span.close else block.split("<|e")[0].removesuffix("</s>")
    assert list(open_family(family).read_tool_calls([block])) == [ToolCall("get_weather", {"city": "Paris"})]


def test_two_calls_at_once_are_put_in_words_where_the_template_refuses_them(prompt_of):
    both = (ToolCall("get_weather", {"city": "Paris"}), ToolCall("get_weather", {"city": "Rome"}))
    talk = (*ASKED, Message("assistant", "", tool_calls=both), RESULT, Message("tool", "25 degrees"))
    prompt = prompt_of("llama-3.1", messages=talk, tools=(WEATHER,))
    assert '{"name": "get_weather", "parameters": {"city": "Rome"}}' in prompt
    assert "Result of get_weather:\n18 degrees\n\nResult:\n25 degrees" in prompt


def test_results_carry_the_ids_of_their_calls(prompt_of):
    talk = (*CALLED, assistant("Mild."), user("And Rome?"), CALL, RESULT)
    prompt = prompt_of("mistral", messages=talk, tools=(WEATHER,))
    assert prompt.count('"call_id": "call00001"') == prompt.count('"call_id": "call00002"') == 1


def test_a_template_without_tools_gets_them_in_the_system_message(prompt_of):
    prompt = prompt_of("gemma-2", messages=(user("Weather?"),), tools=(WEATHER,))
    assert prompt.startswith("<s><start_of_turn>user\nYou can call these tools:\n")
    assert '"name": "get_weather"' in prompt
    assert '<tool_call>\n{"name": "NAME", "arguments": {"ARGUMENT": "VALUE"}}\n</tool_call>' in prompt


def test_an_own_template_for_tools_is_used_with_tools_only(make_facts):

    facts = make_facts(
        metadata={
            "tokenizer.chat_template": "plain {{ messages[0].content }}",
            "tokenizer.chat_template.tool_use": "{{ tools | tojson }} {{ messages[0].content }}",
        }
    )
    opened = ChatFamily().open(facts)

    with_tools = opened.compose(GenerateRequest(model="m", messages=(user("Hi"),), tools=(WEATHER,)))
    without = opened.compose(GenerateRequest(model="m", messages=(user("Hi"),)))
    assert with_tools.parts[0].text.startswith('[{"type": "function"')
    assert without.parts[0].text == "plain Hi"
