"""SpanScanner: what is said, thought and called, however the text is cut."""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backends.llama.spans import MarkedSpan, Part, SpanScanner, hidden, with_hidden, without_hidden
from engine.plugins.contract.models import Span

THINK = Span("thinking", "<think>", "</think>")
TOOL = Span("tool", "<tool_call>", "</tool_call>")
TO_THE_END = Span("tool", "[TOOL_CALLS]", "")
CHANNEL = Span("mark", "<|channel|>final", "<|message|>")
SPANS = (THINK, TOOL, TO_THE_END, CHANNEL)


def split(pieces, spans=SPANS, begins_in=None):
    """Text by kind, marks and breaks left out, and everything joined."""
    scanner = SpanScanner([MarkedSpan.of(span) for span in spans], begins_in)
    found = [piece for text in pieces for piece in scanner.push(text)] + scanner.flush()
    texts = {"answer": "", "thinking": "", "tool": "", "mark": ""}
    for piece in found:
        if piece.part is Part.TEXT:
            texts[piece.kind] += piece.text
    assert "".join(piece.text for piece in found) == "".join(pieces)
    return {kind: text for kind, text in texts.items() if text}, found


def kinds(text, spans=SPANS, begins_in=None):
    return split([text], spans, begins_in)[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", {"answer": "plain"}),
        ("", {}),
        ("<think>hm</think>yes", {"thinking": "hm", "answer": "yes"}),
        ("<think>\nhm\n</think>\n\nyes\n", {"thinking": "hm\n", "answer": "yes\n"}),
        ("a<think>b</think>c<think>d</think>e", {"answer": "ace", "thinking": "bd"}),
        ("ok<tool_call>\n{}\n</tool_call>", {"answer": "ok", "tool": "{}\n"}),
        ("never<think>closed", {"answer": "never", "thinking": "closed"}),
        ("closed</think>never opened", {"answer": "closed</think>never opened"}),
        ("<think><tool_call>x</tool_call></think>y", {"thinking": "<tool_call>x</tool_call>", "answer": "y"}),
        ("<think><think>x</think>y", {"thinking": "<think>x", "answer": "y"}),
        ("a < b, <thi nk> and <", {"answer": "a < b, <thi nk> and <"}),
        ("[TOOL_CALLS][{}] <think>", {"tool": "[{}] <think>"}),
        ("<|channel|>final <|constrain|>x<|message|>yes", {"mark": " <|constrain|>x", "answer": "yes"}),
        ("<think></think>", {}),
        ("`<think>` is a tag", {"answer": "`", "thinking": "` is a tag"}),
    ],
)
def test_text_is_split_by_its_marks(text, expected):
    assert kinds(text) == expected
    assert split(list(text))[0] == expected


def test_the_longest_mark_at_a_place_counts():
    spans = (Span("thinking", "<t>", "</t>"), Span("tool", "<t>x", "</t>"), Span("mark", "<t>xyz", ""))
    assert kinds("<t>a</t>", spans) == {"thinking": "a"}
    assert kinds("<t>xa</t>", spans) == {"tool": "a"}
    assert kinds("<t>xya</t>", spans) == {"tool": "ya"}
    assert kinds("<t>xyza", spans) == {"mark": "a"}
    assert kinds("<t>xy", spans) == {"tool": "y"}
    assert split(list("<t>xya</t>"), spans)[0] == {"tool": "ya"}


def test_of_equal_marks_the_first_counts():
    assert kinds("<a>x", (Span("thinking", "<a>", ""), Span("tool", "<a>", ""))) == {"thinking": "x"}


def test_a_mark_that_begins_earlier_counts_even_if_it_ends_later():
    spans = (Span("thinking", "<a<b>c", ""), Span("tool", "<b>", ""))
    assert kinds("<a<b>c!", spans) == split(list("<a<b>c!"), spans)[0] == {"thinking": "!"}
    assert kinds("<a<b>d", spans) == split(list("<a<b>d"), spans)[0] == {"answer": "<a", "tool": "d"}
    assert kinds("<a<b>", spans) == {"answer": "<a"}


@pytest.mark.parametrize("begins_in", ["thinking", "tool"])
def test_an_answer_may_begin_in_a_span(begins_in):
    closed = {"thinking": "</think>", "tool": "</tool_call>"}[begins_in]
    assert kinds(f"\nhm{closed}\nyes", begins_in=begins_in) == {begins_in: "hm", "answer": "yes"}
    assert kinds("hm", begins_in=begins_in) == {begins_in: "hm"}


def test_an_answer_that_begins_in_a_span_that_is_not_there_is_all_of_it():
    assert kinds("hm</think>yes", spans=(TOOL,), begins_in="thinking") == {"thinking": "hm</think>yes"}


def test_line_breaks_belong_to_the_mark_before_them_and_spaces_do_not():
    assert kinds("<think>\r\n\n  hm\n</think>\n    code\n\nmore") == {
        "thinking": "  hm\n",
        "answer": "    code\n\nmore",
    }
    assert split(["<think>", "\n", "\n", "x"])[0] == {"thinking": "x"}


def test_only_what_could_become_a_mark_is_held_back():
    scanner = SpanScanner([MarkedSpan.of(THINK)])
    assert [piece.text for piece in scanner.push("yes <th")] == ["yes "]
    assert [piece.text for piece in scanner.push("ough")] == ["<though"]
    assert scanner.push("<") == []
    assert [piece.text for piece in scanner.flush()] == ["<"]
    assert scanner.flush() == []


def test_special_tokens_are_told_from_text_that_looks_like_them():
    text = f"a{hidden('<|x|>')}b<|x|>"
    assert without_hidden(text) == "ab<|x|>"
    assert with_hidden(text) == "a<|x|>b<|x|>"
    span = MarkedSpan("thinking", ("<think>", hidden("<think>")), (hidden("</think>"),))
    scanner = SpanScanner([span])
    found = scanner.push(f"{hidden('<think>')}a</think>{hidden('</think>')}b") + scanner.flush()
    assert [(piece.kind, piece.text) for piece in found if piece.part is Part.TEXT] == [
        ("thinking", "a</think>"),
        ("answer", "b"),
    ]


MARK_LETTERS = st.text("<>ab", min_size=1, max_size=4)
RANDOM_SPANS = st.lists(
    st.builds(Span, st.sampled_from(["thinking", "tool", "mark"]), MARK_LETTERS, st.one_of(st.just(""), MARK_LETTERS)),
    max_size=4,
)


def cut(text, places):
    bounds = [0, *sorted({place % (len(text) + 1) for place in places}), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(bounds)]


@given(st.text("<>ab\n", max_size=40), RANDOM_SPANS, st.lists(st.integers(0, 40)), st.sampled_from([None, "thinking"]))
def test_how_the_text_is_cut_changes_nothing(text, spans, places, begins_in):
    assert split(cut(text, places), spans, begins_in)[0] == split([text], spans, begins_in)[0]


@given(st.text("<>ab", max_size=30), RANDOM_SPANS)
def test_it_agrees_with_a_scan_of_the_whole_text(text, spans):
    """The rule in its simplest form: the first mark, the longest one there, up to its closing mark, and so on."""
    expected = {"answer": "", "thinking": "", "tool": "", "mark": ""}
    rest, kind, close = text, "answer", None
    while True:
        if kind == "answer":
            opens = sorted(spans, key=lambda span: -len(span.open))
            match = re.search("|".join(re.escape(span.open) for span in opens), rest) if opens else None
        else:
            match = re.search(re.escape(close), rest) if close else None
        expected[kind] += rest[: match.start()] if match else rest
        if match is None:
            break
        rest = rest[match.end() :]
        span = next(span for span in spans if span.open == match[0]) if kind == "answer" else None
        kind, close = (span.kind, span.close) if span else ("answer", None)
    assert kinds(text, spans) == {name: text for name, text in expected.items() if text}
