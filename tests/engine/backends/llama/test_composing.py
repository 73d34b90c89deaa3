"""Prompts in the words of a plugin: what it may ask for, and what is refused before native code sees it."""

from dataclasses import replace

import pytest

from engine.backends.llama.composing import MAX_MARK_CHARS, MAX_SPANS, MAX_STOPS
from engine.backends.llama.spans import MarkedSpan, hidden
from engine.errors import EngineError, InvalidRequestError, PluginError
from engine.plugins.contract.models import Composition, Span, Text, Token
from engine.types import Accepts, GenerateRequest, OverflowPolicy, ToolCall, ToolSpec, assistant, system, user

EVERY_FORM = (Accepts.MESSAGES, Accepts.PROMPT, Accepts.SUFFIX)


@pytest.fixture
def composed(load, tiny_path, registry_of, plain_format):
    """Prepare a request for which the plugin returns a given composition."""
    model = load(tiny_path, registry_of(*EVERY_FORM, text_format=plain_format))

    def prepare(*parts, compose=None, request=None, **fields):
        plain_format.compose = compose or (lambda request: Composition(parts=parts, **fields))
        return model.prepare(GenerateRequest(model="tiny", **(request or {"prompt": "x"})))

    return prepare


def test_parts_become_tokens_in_order_with_bos_before_them(composed, tokens):
    prompt = composed(Token(tokens.special("<|pre|>")), Text("the"), Text("<|end|>", special=True), Text("<|end|>"))
    assert prompt.tokens[:2] == (tokens.bos, tokens.special("<|pre|>"))
    assert prompt.tokens.count(tokens.special("<|end|>")) == 1


def test_bos_is_not_put_twice(composed, tokens):
    assert composed(Text("<s>the", special=True)).tokens.count(tokens.bos) == 1
    assert composed(Token(tokens.bos), Text("the")).tokens.count(tokens.bos) == 1


def test_texts_that_follow_one_another_are_one_text(composed):
    assert composed(Text("the c"), Text("at sat")).tokens == composed(Text("the cat sat")).tokens


@pytest.mark.parametrize(
    "parts", [(Token(-1),), (Token(1 << 40),), (Token("1"),), (Token(True),), ("text",), (Text(b"x"),), (None,)]
)
def test_a_part_that_is_none_is_refused_and_names_the_plugin(composed, parts):
    with pytest.raises(PluginError, match=r"A plugin \(any\) has put a request for tiny .* neither text") as caught:
        composed(*parts)
    assert caught.value.plugin == "any"
    assert caught.value.remedy


def test_what_is_no_composition_is_refused(composed):
    with pytest.raises(PluginError, match="no composition"):
        composed(compose=lambda request: "the cat")


@pytest.mark.parametrize(
    "fields",
    [
        {"stop": ("",)},
        {"stop": (1,)},
        {"stop": ("x" * (MAX_MARK_CHARS + 1),)},
        {"stop": tuple(map(str, range(MAX_STOPS + 1)))},
        {"stop": ("\ud800",)},
        {"spans": (Span("thinking", "", "x"),)},
        {"spans": (Span("secret", "a", "b"),)},
        {"spans": (Span("tool", "a" * (MAX_MARK_CHARS + 1), "b"),)},
        {"spans": (Span("tool", "a", None),)},
        {"spans": (Span("tool", "\udc00", "b"),)},
        {"spans": ("<think>",)},
        {"spans": (Span("tool", "a", "b"),) * (MAX_SPANS + 1)},
        {"begins_in": "mark"},
    ],
)
def test_stops_and_spans_that_make_no_sense_are_refused(composed, fields):
    with pytest.raises(PluginError, match=r"\(any\)"):
        composed(Text("x"), **fields)


def test_an_error_of_the_plugin_reaches_the_caller(composed):
    def refuse(request):
        raise EngineError("It refuses.")

    with pytest.raises(EngineError, match="It refuses"):
        composed(compose=refuse)


def test_stops_of_the_plugin_are_added_to_those_of_the_request(composed, tokens):
    prompt = composed(Text("x"), stop=("B", "<|end|>", "<|suf|>"), request={"prompt": "x", "stop": ("A",)})
    assert prompt.plan.rules.stop == ("A", "B")
    assert prompt.plan.rules.ends == {tokens.special("<|end|>"), tokens.special("<|suf|>")}


def test_too_many_stops_together_are_refused(composed):
    request = {"prompt": "x", "stop": tuple(f"b{number}" for number in range(200))}
    assert composed(Text("x"), request=request)
    with pytest.raises(InvalidRequestError, match="stop strings"):
        composed(Text("x"), stop=tuple(f"a{number}" for number in range(60)), request=request)


def test_marks_that_are_special_tokens_are_known_as_such(composed):
    rules = composed(Text("x"), spans=(Span("tool", "<|pre|>call<|mid|>", "</c>"),)).plan.rules
    opens = ("<|pre|>call<|mid|>", f"{hidden('<|pre|>')}call{hidden('<|mid|>')}")
    assert rules.spans == (MarkedSpan("tool", opens, ("</c>",)),)


def test_a_grammar_leaves_no_room_for_thoughts(composed):
    seen = []

    def compose(request):
        seen.append(request)
        return Composition(parts=(Text("x"),), spans=(Span("thinking", "a", "b"),), begins_in="thinking", stop=("s",))

    prompt = composed(compose=compose, request={"prompt": "x", "grammar": 'root ::= "a"'})
    assert seen[0].thinking is False
    assert not prompt.plan.rules.splits
    assert prompt.plan.rules.stop == ("s",)
    assert prompt.read_tool_calls is None
    assert composed(compose=compose).plan.rules.splits
    assert seen[-1].thinking is None


def test_the_plugin_gets_the_request_as_it_was_made(composed):
    seen = []

    def compose(request):
        seen.append(request)
        return Composition(parts=(Text("x"),))

    tool = ToolSpec("add", "Adds.", {"type": "object"})
    request = {"messages": (user("a"),), "tools": (tool,), "thinking": True}
    composed(compose=compose, request=request)
    assert seen == [GenerateRequest(model="tiny", **request)]


def test_turns_are_dropped_whole_with_their_calls_and_results(composed):
    """The composition has one token per message, so the turns alone decide what fits."""
    call = replace(assistant(""), tool_calls=(ToolCall("add", {}),))
    result = replace(user("3"), role="tool", tool_name="add")
    messages = (system("s"), user("a"), call, result, assistant("3"), user("b"))

    def compose(request):
        return Composition(parts=(Token(70),) * (60 * len(request.messages)))

    prompt = composed(compose=compose, request={"messages": messages, "overflow": OverflowPolicy.DROP_OLDEST})
    assert prompt.dropped_messages == (1, 2, 3, 4)
    assert len(prompt.tokens) == 121
