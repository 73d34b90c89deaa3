"""The text of answers: whole characters, stop strings across tokens, grammars, log-probabilities.

A random model says what it likes, so a grammar makes it say what a test needs.
"""

import json
import math

import numpy as np
import pytest

from engine.backends.llama.answer import AnswerText, report_logprob
from engine.errors import GrammarError
from engine.types import FinishReason, GenerateRequest, Sampling, TokenLogprob

TEXT = "h\u00e9llo w\u00f6rld \u20ac\U0001f600!"


def report(text: str, logprob: float) -> TokenLogprob:
    return TokenLogprob(text=text, logprob=logprob)


def exactly(text: str) -> str:
    return f"root ::= {json.dumps(text, ensure_ascii=False)}"


@pytest.mark.parametrize("sampling", [Sampling(temperature=0), Sampling(seed=3), Sampling(seed=3, repeat_penalty=1.3)])
def test_a_grammar_rules_the_text_and_characters_stay_whole(tiny, answer, sampling):
    result = answer(tiny, prompt="the cat", grammar=exactly(TEXT), sampling=sampling, max_tokens=60)
    assert result.text == TEXT
    assert result.finish is FinishReason.STOP
    assert "\ufffd" not in "".join(result.deltas)
    assert max(map(len, result.deltas)) <= 3


def test_the_same_grammar_and_seed_give_the_same_text(tiny, answer):
    fields = {"prompt": "the", "grammar": "root ::= [a-z ]+", "sampling": Sampling(seed=9)}
    first, second = answer(tiny, **fields), answer(tiny, **fields)
    assert first.text == second.text
    assert first.text.replace(" ", "").isalpha()


def test_an_answer_cut_inside_a_character_ends_with_a_replacement(tiny, answer):
    result = answer(tiny, prompt="the", grammar=exactly("\U0001f600"), max_tokens=2)
    assert result.text == "\ufffd"
    assert result.finish is FinishReason.LENGTH


def test_a_schema_gives_an_answer_that_parses(tiny, answer):
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}, "kind": {"enum": ["cat", "mat"]}}}
    schema |= {"required": ["ok", "kind"], "additionalProperties": False}
    result = answer(tiny, prompt="the cat", json_schema=json.dumps(schema), sampling=Sampling(seed=1), max_tokens=200)
    value = json.loads(result.text)
    assert set(value) == {"ok", "kind"}
    assert type(value["ok"]) is bool
    assert value["kind"] in {"cat", "mat"}


def test_when_no_token_fits_the_grammar_only_that_answer_fails(tiny, answer):
    sequence = tiny.admit(tiny.prepare(GenerateRequest(model="tiny", prompt="the", grammar='root ::= "a"')))
    sequence.sampler._bias._ids = np.arange(tiny._vocabulary.size)
    sequence.sampler._bias._values = np.full(tiny._vocabulary.size, -np.inf, np.float32)
    (step,) = tiny.step([sequence], 512)
    assert isinstance(step.error, GrammarError)
    tiny.release(sequence)
    assert answer(tiny, prompt="the").finish is not None


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        (("w\u00f6",), "h\u00e9llo "),
        (("lo w", "zzz"), "h\u00e9l"),
        (("\u20ac\U0001f600",), "h\u00e9llo w\u00f6rld "),
        (("world", "rld\u20ac"), TEXT),
        (("!",), TEXT[:-1]),
        (("h",), ""),
    ],
)
def test_stop_strings_end_the_answer_wherever_the_tokens_break(tiny, answer, stop, expected):
    result = answer(tiny, prompt="the", grammar=exactly(TEXT), stop=stop, max_tokens=60)
    assert result.text == expected
    assert result.finish is FinishReason.STOP


def test_text_held_back_for_a_stop_string_comes_out_at_the_end(tiny, answer):
    result = answer(tiny, prompt="the", grammar=exactly("abcdef"), stop=("def!", "xyz"), max_tokens=60)
    assert result.text == "abcdef"


def test_logprobs_cover_exactly_the_text(tiny, answer):
    result = answer(tiny, prompt="the", grammar=exactly(TEXT), logprobs=3, max_tokens=60)
    assert "".join(report.text for report in result.logprobs) == TEXT
    for report in result.logprobs:
        assert report.logprob <= 0
        assert len(report.top) == 3
        values = [value for _text, value in report.top]
        assert values == sorted(values, reverse=True)


def test_logprobs_of_a_greedy_answer_are_the_best_ones(tiny, answer):
    result = answer(tiny, prompt="the cat", logprobs=2)
    assert len(result.logprobs) == result.tokens
    assert all(report.logprob == report.top[0][1] for report in result.logprobs)


def test_logprobs_change_no_text(tiny, answer):
    for sampling in (Sampling(temperature=0, logit_bias={300: 2.0}), Sampling(seed=2)):
        with_them = answer(tiny, prompt="the cat", sampling=sampling, logprobs=5)
        assert with_them.text == answer(tiny, prompt="the cat", sampling=sampling).text


def test_logprobs_stop_where_the_text_stops(tiny, answer):
    result = answer(tiny, prompt="the", grammar=exactly(TEXT), logprobs=1, stop=("lo w",), max_tokens=60)
    assert "".join(report.text for report in result.logprobs) == result.text == "h\u00e9l"


def test_no_logprobs_unless_asked_for(tiny, answer):
    assert answer(tiny, prompt="the").logprobs == []


def test_logprobs_are_a_log_softmax():
    logits = np.array([1.0, 3.0, 2.0, -5.0], np.float32)
    report = report_logprob(logits, 2, 2, lambda token: f"t{token}".encode())
    total = math.log(sum(math.exp(value) for value in logits))
    assert report.logprob == pytest.approx(2.0 - total, abs=1e-6)
    assert [text for text, _value in report.top] == ["t1", "t2"]
    assert report.top[0][1] == pytest.approx(3.0 - total, abs=1e-6)


def test_more_logprobs_than_tokens_are_all_of_them():
    report = report_logprob(np.zeros(3, np.float32), 0, 50, lambda _token: b"")
    assert len(report.top) == 3


def test_a_token_that_a_stop_string_cuts_is_reported_with_what_is_left_of_it():
    answer = AnswerText({1: b"one ", 2: b"two"}.__getitem__, ("wo",))
    assert answer.push(1, report("", -1.0)) == ("one ", False)
    assert answer.take_logprobs(ended=False) == (report("one ", -1.0),)
    assert answer.push(2, report("", -2.0)) == ("t", True)
    assert answer.take_logprobs(ended=True) == (report("t", -2.0),)
