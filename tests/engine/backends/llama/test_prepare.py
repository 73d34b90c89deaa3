"""Preparing a request: rendering, tokenising, fitting the context."""

import pytest

from engine.errors import CapabilityError, ContextOverflowError, GrammarError, InvalidRequestError
from engine.models.gguf import read_header
from engine.models.gguf_facts import facts_of
from engine.plugins.offers import Offers
from engine.types import Accepts, GenerateRequest, OverflowPolicy, assistant, system, user


def prepare(model, **fields):
    return model.prepare(GenerateRequest(model="tiny", **fields))


def test_a_plain_prompt_starts_with_bos(tiny, tokens):
    prompt = prepare(tiny, prompt="the cat")
    assert prompt.tokens[0] == tokens.bos
    assert len(prompt.tokens) == 3


def test_special_tokens_in_a_plain_prompt_are_read_as_such(tiny, tokens):
    assert prepare(tiny, prompt="the<|end|>").tokens[-1] == tokens.special("<|end|>")


def test_infill_puts_the_gap_last(tiny, tokens):
    prompt = prepare(tiny, prompt="the cat", suffix="a mat")
    pre, suf, mid = (tokens.special(mark) for mark in ("<|pre|>", "<|suf|>", "<|mid|>"))
    assert prompt.tokens[:2] == (tokens.bos, pre)
    assert prompt.tokens[-1] == mid
    assert prompt.tokens.index(suf) > prompt.tokens.index(pre)


def test_infill_text_cannot_smuggle_in_marks(tiny, tokens):
    prompt = prepare(tiny, prompt="a<|mid|>", suffix="b")
    assert prompt.tokens.count(tokens.special("<|mid|>")) == 1


def test_infill_works_with_nothing_before_the_gap(tiny):
    assert prepare(tiny, prompt="", suffix="a mat").tokens


def test_a_model_without_infill_says_so(load, plain_path):
    with pytest.raises(CapabilityError, match="fill in the middle"):
        prepare(load(plain_path), prompt="a", suffix="b")


def test_a_form_of_request_that_no_plugin_serves_is_refused(load, plain_path, registry_of):
    with pytest.raises(CapabilityError, match="plain cannot take conversations: no plugin knows how"):
        prepare(load(plain_path, registry_of(Accepts.PROMPT)), messages=(user("a"),))


def test_a_lone_surrogate_is_refused(tiny):
    with pytest.raises(InvalidRequestError, match="surrogate"):
        prepare(tiny, prompt="a\ud800b")


def test_a_nul_character_is_text_like_any_other(tiny, tokens):
    assert tokens.byte(0) in prepare(tiny, prompt="a\0b").tokens


@pytest.mark.parametrize("fields", [{"grammar": "root ::= x"}, {"grammar": "root ::= ["}, {"json_schema": "{"}])
def test_a_bad_grammar_is_refused_before_it_starts(tiny, fields):
    with pytest.raises(GrammarError):
        prepare(tiny, prompt="a", **fields)


def test_the_answer_is_clipped_to_the_context(load, tiny_path):
    model = load(tiny_path, context_tokens=64)
    prompt = prepare(model, prompt="the cat", max_tokens=1000)
    assert prompt.max_tokens == 64 - len(prompt.tokens)
    assert prepare(model, prompt="the cat", max_tokens=None).max_tokens == prompt.max_tokens
    assert prepare(model, prompt="the cat", max_tokens=5).max_tokens == 5


def test_a_prompt_longer_than_the_context_is_refused_with_the_numbers(load, tiny_path):
    model = load(tiny_path, context_tokens=64)
    with pytest.raises(ContextOverflowError) as caught:
        prepare(model, prompt="cat " * 100)
    assert caught.value.context_tokens == 64
    assert caught.value.prompt_tokens > 100


def test_a_prompt_that_leaves_no_room_for_an_answer_is_refused(load, tiny_path):
    model = load(tiny_path, context_tokens=64)
    filler = next(
        n
        for n in range(1, 200)
        if len(model._vocabulary.tokenize("a" * n, add_special=True, parse_special=False)) == 64
    )
    with pytest.raises(ContextOverflowError):
        prepare(model, prompt="a" * filler)
    assert prepare(model, prompt="a" * (filler - 1)).max_tokens == 1


def test_the_context_is_capped_by_what_the_model_was_trained_for(load, tiny_path):
    model = load(tiny_path, context_tokens=100_000)
    with pytest.raises(ContextOverflowError) as caught:
        prepare(model, prompt="cat " * 500)
    assert caught.value.context_tokens == 256


CONVERSATION = (
    system("on a mat"),
    user("the cat sat on the mat 1"),
    assistant("the mat sat on the cat 1"),
    user("the cat sat on the mat 2"),
    assistant("the mat sat on the cat 2"),
    user("the cat sat on the mat 3"),
)


def test_by_default_a_long_conversation_is_refused(load, tiny_path):
    model = load(tiny_path, context_tokens=48)
    with pytest.raises(ContextOverflowError):
        prepare(model, messages=CONVERSATION)


@pytest.mark.parametrize("dropped", [(), (1, 2), (1, 2, 3, 4)])
def test_the_oldest_turns_are_dropped_where_asked_for(tiny, load, tiny_path, dropped):
    kept = tuple(message for index, message in enumerate(CONVERSATION) if index not in dropped)
    expected = prepare(tiny, messages=kept).tokens
    model = load(tiny_path, context_tokens=len(expected) * 4 // 3 + 2)
    prompt = prepare(model, messages=CONVERSATION, overflow=OverflowPolicy.DROP_OLDEST)
    assert prompt.dropped_messages == dropped
    assert prompt.tokens == expected
    assert prompt.max_tokens >= len(expected) // 3


def test_the_last_question_is_never_dropped(load, tiny_path):
    model = load(tiny_path, context_tokens=16)
    with pytest.raises(ContextOverflowError):
        prepare(model, messages=CONVERSATION, overflow=OverflowPolicy.DROP_OLDEST)
    with pytest.raises(ContextOverflowError):
        prepare(model, messages=(user("cat " * 50),), overflow=OverflowPolicy.DROP_OLDEST)


def test_a_conversation_that_just_fits_loses_nothing(load, tiny_path):
    needed = len(prepare(load(tiny_path), messages=CONVERSATION).tokens)
    exact = load(tiny_path, context_tokens=needed + 4)
    fields = {"messages": CONVERSATION, "overflow": OverflowPolicy.DROP_OLDEST}
    assert prepare(exact, **fields, max_tokens=4).dropped_messages == ()
    assert prepare(exact, **fields, max_tokens=5).dropped_messages == (1, 2)


def test_tokens_are_counted_as_a_prompt_would_count_them_but_for_bos(tiny):
    assert tiny.count_tokens("the cat sat") == len(prepare(tiny, prompt="the cat sat").tokens) - 1
    assert tiny.count_tokens("") == 0
    assert tiny.context_tokens == 256


def test_a_model_whose_plugin_has_gone_refuses_what_only_that_one_could(load, tiny_path, registry_of):
    registry = registry_of(Accepts.PROMPT)
    model = load(tiny_path, registry)
    assert prepare(model, prompt="the cat").tokens
    families = [*registry.serve(facts_of(read_header(tiny_path))).families.values()]
    registry.drop("any")
    with pytest.raises(CapabilityError, match="no plugin knows how"):
        prepare(model, prompt="the cat")
    registry.put("any", Offers(families=families))
    assert prepare(model, prompt="the cat").tokens
