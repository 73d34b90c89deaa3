"""Answers that hold more than what is said: thoughts, calls of tools, marks, with stops and log-probabilities.

A random model writes what a grammar makes it write; with a composition's spans that a grammar would switch off, the
sequence's rules are set by hand.
"""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backends.base import ToolBlock
from engine.backends.llama.answer import SplitAnswer
from engine.backends.llama.composing import MAX_MARK_CHARS, MAX_SPANS, AnswerRules
from engine.backends.llama.spans import MarkedSpan, SpanScanner, hidden
from engine.plugins.contract.models import Composition, Span, Text, Token
from engine.types import Accepts, FinishReason, GenerateRequest, Sampling, TokenLogprob

THINK = Span("thinking", "<t>", "</t>")
TOOL = Span("tool", "<c>", "</c>")
SPECIALS = {900: "<t>", 901: "</t>", 902: "<c>", 903: "</c>", 904: "<odd>", 905: ""}


def both_ways(span: Span) -> MarkedSpan:
    return MarkedSpan(span.kind, (span.open, hidden(span.open)), (span.close, hidden(span.close)))


def new_answer(stops=(), begins_in=None, spans=(THINK, TOOL)) -> SplitAnswer:
    """Tokens 0 to 255 are bytes, 900 to 905 special."""
    scanner = SpanScanner([both_ways(span) for span in spans], begins_in)
    return SplitAnswer(
        lambda token: bytes([token]) if token < 256 else b"", lambda token: SPECIALS[token], stops, scanner
    )


def feed(answer: SplitAnswer, *parts: str | int, logprobs: bool = False) -> tuple[str, str, bool]:
    """Push texts byte by byte and special tokens; return what was said, what was thought, whether it stopped."""
    said, thought = "", ""
    tokens = [token for part in parts for token in ([part] if isinstance(part, int) else part.encode())]
    for token in tokens:
        text, stopped = answer.push(token, TokenLogprob(text="", logprob=-float(token)) if logprobs else None)
        said, thought = said + text, thought + answer.take_thinking()
        if stopped:
            return said, thought, True
    return said + answer.flush(), thought + answer.take_thinking(), False


def test_thoughts_and_calls_are_taken_out():
    answer = new_answer()
    assert feed(answer, "<t>\nhm ö€\n</t>\n\nso: <c>{}</c>\n<c>\n[1]</c>!") == ("so: !", "hm ö€\n", False)
    assert answer.blocks() == (ToolBlock("{}", "<c>{}</c>"), ToolBlock("[1]", "<c>\n[1]</c>"))


def test_marks_may_be_special_tokens():
    answer = new_answer()
    assert feed(answer, 900, "hm", 901, "yes", 902, "{}", 903) == ("yes", "hm", False)
    assert answer.blocks() == (ToolBlock("{}", "<c>{}</c>"),)


def test_special_tokens_show_in_calls_only():
    answer = new_answer()
    assert feed(answer, "a", 904, "b", 905, 900, "c", 904, "d", 901, 902, "e", 904, "f") == ("ab", "cd", False)
    assert answer.blocks() == (ToolBlock("e<odd>f", "<c>e<odd>f"),)


def test_a_special_token_ends_a_character_that_is_not_complete():
    assert feed(new_answer(), 0xC3, 904, "x") == ("\ufffdx", "", False)


def test_an_answer_may_begin_in_thoughts():
    assert feed(new_answer(begins_in="thinking"), "\nhm</t>\n\nyes") == ("yes", "hm", False)
    assert feed(new_answer(begins_in="thinking"), "cut off</") == ("", "cut off</", False)


def test_stops_count_in_what_is_said_only():
    answer = new_answer(stops=("END",))
    said, thought, stopped = feed(answer, "<t>END</t><c>END</c>a<c>x</c>EN<c>y</c>D more <c>z</c>")
    assert (said, thought, stopped) == ("a", "END", True)
    assert [block.text for block in answer.blocks()] == ["END", "x", "y"]


def test_what_a_stop_holds_back_comes_out_at_the_end():
    assert feed(new_answer(stops=("END",)), "aEN<t>b</t>")[:2] == ("aEN", "b")


def test_logprobs_cover_what_is_said():
    answer = new_answer(stops=("!",))
    said, _, stopped = feed(answer, "ab<t>cd</t>e", 904, "f\u00e9!", logprobs=True)
    assert (said, stopped) == ("abef\u00e9", True)
    reports = answer.take_logprobs(ended=True)
    assert "".join(report.text for report in reports) == said
    letters = [report.logprob for report in reports if report.text]
    assert letters == [-97.0, -98.0, -101.0, -102.0, -0xA9]


def test_a_token_with_a_part_of_a_mark_has_no_logprob():
    pieces = {1: b"a<", 2: b"t>b", 3: b"</t>c", 4: b"d"}
    answer = SplitAnswer(pieces.__getitem__, str, (), SpanScanner([MarkedSpan.of(THINK)]))
    said = "".join(answer.push(token, TokenLogprob(text="", logprob=-token))[0] for token in pieces)
    assert said == "acd"
    assert [report.text for report in answer.take_logprobs(ended=True)] == ["c", "d"]


TEXTS = st.lists(
    st.one_of(
        st.sampled_from(["<t>", "</t>", "<c>", "</c>", "END", "<", "t>", "\n", "é"]), st.sampled_from([*SPECIALS])
    ),
    max_size=12,
)


@given(TEXTS, st.sampled_from([None, "thinking", "tool"]))
def test_log_probabilities_never_change_the_text_and_never_cover_more(parts, begins_in):
    plain, reported = new_answer(("END",), begins_in), new_answer(("END",), begins_in)
    outcome = feed(plain, *parts)
    assert feed(reported, *parts, logprobs=True) == outcome
    assert plain.blocks() == reported.blocks()
    reports = "".join(report.text for report in reported.take_logprobs(ended=True))
    rest = iter(outcome[0])
    assert all(letter in rest for letter in reports)  # a subsequence


# ------------------------------------------------------------------------------------------------ a real, tiny model


@pytest.fixture
def written(load, tiny_path, registry_of, plain_format):
    """Let the tiny model write a text, split by some spans; returns the steps."""
    model = load(tiny_path, registry_of(Accepts.PROMPT, text_format=plain_format))

    def write(text, spans=(THINK, TOOL), begins_in=None, stop=(), max_tokens=100):
        plain_format.compose = lambda request: Composition(
            parts=(Text("the cat"),), spans=spans, begins_in=begins_in, stop=stop
        )
        rules = model.prepare(GenerateRequest(model="tiny", prompt="x")).plan.rules
        grammar = "root ::= " + " ".join(f"[{letter}]" if letter != "\n" else '"\\n"' for letter in text)
        prompt = model.prepare(GenerateRequest(model="tiny", prompt="x", grammar=grammar, max_tokens=max_tokens))
        sequence = model.admit(replace(prompt, plan=replace(prompt.plan, rules=rules)))
        steps = []
        while not steps or steps[-1].finish is None:
            steps += model.step([sequence], 512)
        model.release(sequence)
        return steps

    return write


def test_a_model_s_answer_is_split_as_it_is_written(written):
    steps = written("<t>hm</t>\nyes<c>call</c>!")
    assert "".join(step.thinking for step in steps) == "hm"
    assert "".join(step.text for step in steps) == "yes!"
    assert steps[-1].blocks == (ToolBlock("call", "<c>call</c>"),)
    assert all(step.blocks == () for step in steps[:-1])
    assert sum(step.token_count for step in steps) == len("<t>hm</t>\nyes<c>call</c>!") + 1
    assert next(index for index, step in enumerate(steps) if step.thinking) < len(steps) // 2  # while it is written


def test_max_tokens_counts_thoughts_and_calls(written):
    steps = written("<t>hmhmhmhm</t>yes", max_tokens=5)
    assert "".join(step.thinking for step in steps) == "hm"
    assert steps[-1].finish is FinishReason.LENGTH
    assert sum(step.token_count for step in steps) == 5


def test_an_answer_without_spans_is_not_split(written):
    steps = written("<t>hm</t>yes", spans=())
    assert "".join(step.text for step in steps) == "<t>hm</t>yes"
    assert steps[-1].blocks == ()


def test_a_special_token_that_the_plugin_stops_at_ends_the_answer(load, tiny_path, registry_of, plain_format, tokens):
    mark = tokens.special("<|suf|>")
    model = load(tiny_path, registry_of(Accepts.PROMPT, text_format=plain_format))
    for stop, is_short in (((), False), (("<|suf|>",), True)):
        plain_format.compose = lambda request, stop=stop: Composition(parts=(Token(70),), stop=stop)
        sampling = Sampling(temperature=0, logit_bias={mark: 1000.0})
        prompt = model.prepare(GenerateRequest(model="tiny", prompt="x", sampling=sampling, max_tokens=3))
        sequence = model.admit(prompt)
        steps = []
        while not steps or steps[-1].finish is None:
            steps += model.step([sequence], 512)
        model.release(sequence)
        assert (len(steps) == 1, steps[-1].finish is FinishReason.STOP) == (is_short, is_short)


def test_rules_without_spans_need_no_scanner():
    assert not AnswerRules().splits
    assert AnswerRules(begins_in="thinking").splits


def test_the_worst_marks_that_a_plugin_may_choose_cost_little():
    """All that a model writes could begin a mark, for as many and as long marks as are allowed."""
    spans = [MarkedSpan.of(Span("tool", "a" * (MAX_MARK_CHARS - 1) + chr(0x4E00 + i), "")) for i in range(MAX_SPANS)]
    answer = SplitAnswer(lambda token: b"a", str, (), SpanScanner(spans))
    began = time.process_time()
    said = "".join(answer.push(token, None)[0] for token in range(1_000)) + answer.flush()
    assert said == "a" * 1_000
    assert time.process_time() - began < 5
