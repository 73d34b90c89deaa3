"""Thoughts: their marks, how they are asked for, and that no model sees earlier ones again."""

import pytest

from engine.plugins.api import GenerateRequest, Message, Span, assistant, user
from plugins.chat.family import ChatFamily
from plugins.chat.thinking import FAMILIES, THINK

HI = (user("Hi"),)
MARKS = {
    "qwen-3": ("<think>", "</think>"),
    "deepseek-r1": ("<think>", "</think>"),
    "granite-3.3": ("<think>", "</think>"),
    "gemma-4": ("<|channel>thought", "<channel|>"),
    "command-r7b": ("<|START_THINKING|>", "<|END_THINKING|>"),
    "gpt-oss": ("<|channel|>analysis<|message|>", "<|end|>"),
    "seed-oss": ("<seed:think>", "</seed:think>"),
    "magistral": ("[THINK]", "[/THINK]"),
}
ENDS_WITH = {
    ("qwen-3", None): "assistant\n",
    ("qwen-3", True): "assistant\n",
    ("qwen-3", False): "<think>\n\n</think>\n\n",
    ("deepseek-r1", None): "<｜Assistant｜><think>\n",
    ("deepseek-r1", False): "<｜Assistant｜><think>\n\n</think>\n\n",
    ("gemma-4", None): "<|channel>thought\n<channel|>",
    ("gemma-4", True): "<|turn>model\n",
    ("gpt-oss", None): "<|start|>assistant",
    ("gpt-oss", False): "<|start|>assistant<|channel|>final<|message|>",
    ("seed-oss", None): "<seed:bos>assistant\n",
    ("seed-oss", False): "</seed:think>",
}


@pytest.mark.parametrize("family", MARKS)
def test_thoughts_are_marked_as_the_family_does(compose, family):
    opening, closing = MARKS[family]
    assert compose(family, messages=HI).spans[0] == Span("thinking", opening, closing)


@pytest.mark.parametrize("family", ["llama-3.1", "mistral", "gemma-2", "phi-4-mini"])
def test_models_that_do_not_think_have_no_marks(compose, family):
    composition = compose(family, messages=HI, thinking=True)
    assert [span for span in composition.spans if span.kind == "thinking"] == []
    assert composition.begins_in is None


@pytest.mark.parametrize(("family", "wanted"), ENDS_WITH)
def test_a_model_is_told_whether_to_think(prompt_of, family, wanted):
    assert prompt_of(family, messages=HI, thinking=wanted).endswith(ENDS_WITH[family, wanted])


def test_an_answer_begins_in_thoughts_where_the_prompt_has_opened_them(compose):
    assert compose("deepseek-r1", messages=HI).begins_in == "thinking"
    assert compose("deepseek-r1", messages=HI, thinking=False).begins_in is None
    assert compose("qwen-3", messages=HI).begins_in is None


def test_effort_follows_the_wish(prompt_of):
    assert "Reasoning: medium" in prompt_of("gpt-oss", messages=HI)
    assert "Reasoning: low" in prompt_of("gpt-oss", messages=HI, thinking=False)


def test_a_word_switches_thoughts_off_where_the_template_looks_for_it(make_facts):

    source = (
        "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}"
        "{% if '/no_think' in messages[0].content %}<think></think>{% else %}<think>\n{% endif %}"
    )
    opened = ChatFamily().open(make_facts(source))
    off = opened.compose(GenerateRequest(model="m", messages=HI, thinking=False))
    assert off.parts[0].text.startswith("system: /no_think\n")
    assert off.begins_in is None
    assert opened.compose(GenerateRequest(model="m", messages=HI)).begins_in == "thinking"


@pytest.mark.parametrize("rule", [{"json_schema": '{"type": "object"}'}, {"grammar": 'root ::= "a"'}])
def test_an_answer_with_a_grammar_has_no_room_for_thoughts(compose, prompt_of, rule):
    composition = compose("deepseek-r1", messages=HI, **rule)
    assert composition.spans == ()
    assert composition.begins_in is None
    assert prompt_of("gpt-oss", messages=HI, **rule).endswith("<|channel|>final<|message|>")


@pytest.mark.parametrize("family", MARKS)
def test_earlier_thoughts_are_not_shown_again(prompt_of, family):
    opening, closing = MARKS[family]
    talk = (user("Hi"), assistant(f"{opening}secret plan{closing}\nHello."), user("Why?"))
    prompt = prompt_of(family, messages=talk)
    assert "secret plan" not in prompt
    assert "Hello." in prompt


def test_thoughts_of_the_user_are_no_thoughts(prompt_of):
    assert "<think>mine</think>" in prompt_of("qwen-3", messages=(Message("user", "<think>mine</think> x"),))


def test_a_model_without_a_telling_template_thinks_by_its_tokens(open_family):
    opened = open_family("gemma-2", special_tokens={"<think>": 5, "</think>": 6})

    assert opened.compose(GenerateRequest(model="m", messages=HI)).spans == THINK.spans


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ("<think>a</think>b", "b"),
        ("  <think>a\n</think>\n\nb", "b"),
        ("The mark </think> ends thoughts.", "The mark </think> ends thoughts."),
        ("<think>never ended", ""),
        ("plain", "plain"),
        ("see <think>x</think>", "see <think>x</think>"),
    ],
)
def test_thoughts_are_cut_off_the_front(answer, left):
    assert THINK.without(answer) == left


def test_families_are_told_apart():
    assert len({(family.open, family.close, family.hint) for family in FAMILIES}) == len(FAMILIES)
