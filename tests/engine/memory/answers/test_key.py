"""Keys: every field that can change an answer changes the key, and no other does."""

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.caching import CacheUse
from engine.memory.answers.key import (
    NOT_IN_KEY,
    Ground,
    ModelGround,
    ServingPlugin,
    image_key,
    text_key,
    vector_keys,
)
from engine.requests import (
    EmbedRequest,
    GenerateRequest,
    Message,
    OverflowPolicy,
    RecognizeRequest,
    Sampling,
    ToolCall,
    ToolSpec,
    Urgency,
)

MODEL = ModelGround(b"print", "llama.cpp 1", (ServingPlugin("chat", "1"),), Sampling(temperature=0.5))
GROUND = Ground((MODEL,), 4096, "0.1")

words = st.text(max_size=8)
json = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(words, json, max_size=3)
calls = st.builds(ToolCall, words, objects)
messages = st.builds(
    Message, st.sampled_from(["system", "user", "assistant", "tool"]), words,
    st.lists(calls, max_size=2).map(tuple), words,
)  # fmt: skip
samplings = st.builds(
    Sampling,
    temperature=st.floats(0, 5),
    top_k=st.integers(0, 100),
    top_p=st.floats(0, 1),
    min_p=st.floats(0, 1),
    repeat_penalty=st.floats(0, 2),
    frequency_penalty=st.floats(0, 2),
    presence_penalty=st.floats(0, 2),
    penalty_last_tokens=st.integers(0, 100),
    logit_bias=st.dictionaries(st.integers(0, 50), st.floats(-9, 9), max_size=3),
    seed=st.none() | st.integers(0, 2**32),
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "model": words,
    "messages": st.lists(messages, max_size=3).map(tuple),
    "prompt": st.none() | words,
    "suffix": st.none() | words,
    "sampling": st.none() | samplings,
    "max_tokens": st.none() | st.integers(1, 999),
    "stop": st.lists(words, max_size=3).map(tuple),
    "json_schema": st.none() | words,
    "grammar": st.none() | words,
    "logprobs": st.integers(0, 5),
    "overflow": st.sampled_from(OverflowPolicy),
    "tools": st.lists(st.builds(ToolSpec, words, words, objects), max_size=2).map(tuple),
    "thinking": st.sampled_from([None, True, False]),
    "urgency": st.sampled_from(Urgency),
    "device": words,
    "client": words,
    "title": words,
    "level": st.integers(0, 4),
    "deadline_s": st.none() | st.floats(0.1, 9),
    "cache": st.sampled_from(CacheUse),
}
requests = st.fixed_dictionaries(VALUES).map(lambda values: GenerateRequest(**values))


def key(request: GenerateRequest) -> bytes:
    return text_key(GROUND, request)


def test_every_field_of_a_request_is_tried():
    assert VALUES.keys() == {field.name for field in fields(GenerateRequest)}


@pytest.mark.parametrize("name", VALUES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_field_changes_the_key_if_it_can_change_the_answer(name: str, data: st.DataObject):
    request = data.draw(requests)
    other = replace(request, **{name: data.draw(VALUES[name])})
    # `repr` tells 1 from True and -0.0 from 0.0, which `==` does not.
    assume(repr(getattr(request, name)) != repr(getattr(other, name)))
    if name == "sampling" and (request.sampling or MODEL.sampling) == (other.sampling or MODEL.sampling):
        return
    assert (key(request) == key(other)) == (name in NOT_IN_KEY)


@settings(max_examples=25, deadline=None)
@given(samplings, st.sampled_from([field.name for field in fields(Sampling)]), st.data())
def test_every_field_of_the_sampling_counts(sampling: Sampling, name: str, data: st.DataObject):
    other = replace(sampling, **{name: getattr(data.draw(samplings), name)})
    request = GenerateRequest(model="m", prompt="p", sampling=sampling)
    assert (key(request) == key(replace(request, sampling=other))) == (sampling == other)


@settings(max_examples=25, deadline=None)
@given(requests)
def test_equal_requests_have_the_same_key_however_they_are_made(request: GenerateRequest):
    again = replace(
        request,
        tools=tuple(replace(tool, parameters=MappingProxyType(dict(tool.parameters))) for tool in request.tools),
    )
    assert key(request) == key(again)
    assert len(key(request)) == 32


def test_numbers_count_by_their_value():
    request = GenerateRequest(model="m", prompt="p", sampling=Sampling(temperature=0, logit_bias={1: 2, 3: 4}))
    other = Sampling(temperature=0.0, logit_bias={3: 4.0, 1: 2.0})
    assert key(request) == key(replace(request, sampling=other))


def test_what_the_author_recommends_is_what_counts_where_nothing_is_asked_for():
    request = GenerateRequest(model="m", prompt="p")
    assert key(request) == key(replace(request, sampling=MODEL.sampling))
    assert key(request) != key(replace(request, sampling=Sampling(temperature=0.6)))


def test_the_order_of_a_schema_counts_because_the_model_reads_it():
    one = ToolSpec("f", "", {"a": {}, "b": {}})
    other = ToolSpec("f", "", {"b": {}, "a": {}})
    request = GenerateRequest(model="m", prompt="p", tools=(one,))
    assert key(request) != key(replace(request, tools=(other,)))


@pytest.mark.parametrize(
    "change",
    [
        lambda: replace(GROUND, models=(replace(MODEL, fingerprint=b"other"),)),
        lambda: replace(GROUND, models=(replace(MODEL, library="llama.cpp 2"),)),
        lambda: replace(GROUND, models=(replace(MODEL, plugins=()),)),
        lambda: replace(GROUND, models=(replace(MODEL, plugins=(ServingPlugin("chat", "2"),)),)),
        lambda: replace(GROUND, models=(replace(MODEL, plugins=(ServingPlugin("chat", "1", "digest"),)),)),
        lambda: replace(GROUND, models=(replace(MODEL, plugins=(ServingPlugin("chat", "1", "", {"a": 1}),)),)),
        lambda: replace(GROUND, models=(MODEL, replace(MODEL, fingerprint=b"other"))),
        lambda: replace(GROUND, context_tokens=2048),
        lambda: replace(GROUND, program="0.2"),
    ],
)
def test_what_an_answer_rests_on_counts(change: Callable[[], Ground]):
    text = GenerateRequest(model="m", prompt="p")
    image = RecognizeRequest(model="m", image=b"")
    vector = EmbedRequest(model="m", texts=("a",))
    other = change()
    assert text_key(other, text) != text_key(GROUND, text)
    assert image_key(other, image, b"x") != image_key(GROUND, image, b"x")
    assert vector_keys(other, vector) != vector_keys(GROUND, vector)


def test_an_image_counts_by_its_content_and_not_by_its_name():
    request = RecognizeRequest(model="m", image=Path("a.png"))
    same = RecognizeRequest(model="m", image=Path("b.png"), urgency=Urgency.BATCH, client="c", title="t", level=4)
    assert image_key(GROUND, request, b"x") == image_key(GROUND, same, b"x")
    assert image_key(GROUND, request, b"x") != image_key(GROUND, request, b"y")
    for change in ({"top_k": 3}, {"device": "cpu"}):
        assert image_key(GROUND, request, b"x") != image_key(GROUND, replace(request, **change), b"x")


def test_texts_have_a_key_each():
    request = EmbedRequest(model="m", texts=("a", "b", "a"))
    first, second, third = vector_keys(GROUND, request)
    assert first == third != second
    assert vector_keys(GROUND, replace(request, texts=("b",))) == [second]
    for change in ({"normalize": False}, {"purpose": "query"}, {"device": "cpu"}):
        assert not set(vector_keys(GROUND, replace(request, **change))) & {first, second}


@pytest.mark.parametrize("value", ["\ud800", {"a": object()}, {1, 2}.__iter__()])
def test_what_cannot_be_written_down_has_no_key(value: object):
    spec = ToolSpec("f", value if isinstance(value, str) else "", {"x": value})
    with pytest.raises((TypeError, ValueError)):
        key(GenerateRequest(model="m", prompt="p", tools=(spec,)))
