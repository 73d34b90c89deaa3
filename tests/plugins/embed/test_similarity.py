"""Texts ranked by meaning, with a model whose vectors count letters."""

import pytest

from engine.plugins.api import InputFile, InvalidRequestError, TaskCancelledError
from engine.testing import FakeTaskContext
from plugins.embed.similarity import AT_ONCE, SimilarTexts


def run(context: FakeTaskContext | None = None, **inputs: object):
    context = context or FakeTaskContext()
    return SimilarTexts().run({"query": "aab", "model": "m", "most": 20, "texts": "", **inputs}, context), context


def test_the_nearest_stands_first():
    outputs, _ = run(texts="ccc\naab\nabb\n\naab\n")
    table = outputs["ranking"]
    assert table.columns == ("Rank", "Similarity", "Text")
    assert table.rows == (("1", "1.000", "aab"), ("2", "0.800", "abb"), ("3", "0.000", "ccc"))


def test_only_so_many_are_shown():
    assert len(run(texts="a\nb\nc", most=2)[0]["ranking"].rows) == 2


def test_paragraphs_of_a_file_are_compared():
    outputs, context = run(file=InputFile("a.txt", b"first\nstill first\r\n\r\nsecond"))
    assert {row[2] for row in outputs["ranking"].rows} == {"first still first", "second"}
    assert context.models.embedded[0] == "aab"


def test_lines_are_compared_where_a_file_has_no_paragraphs():
    assert len(run(file=InputFile("a.txt", b"one\ntwo\nthree\n"))[0]["ranking"].rows) == 3


def test_many_texts_are_read_in_groups():
    _, context = run(texts="\n".join(f"text {number}" for number in range(3 * AT_ONCE)))
    assert len(context.models.embedded) == 1 + 3 * AT_ONCE
    assert [note for _, note in context.progress_log][1:4] == [
        "Comparing 1 of 192",
        "Comparing 65 of 192",
        "Comparing 129 of 192",
    ]


def test_a_long_text_is_shown_in_part():
    assert len(run(texts="a " * 500)[0]["ranking"].rows[0][2]) == 200


@pytest.mark.parametrize("inputs", [{"texts": " \n"}, {"query": " ", "texts": "a"}, {"file": InputFile("a.txt", b"")}])
def test_nothing_cannot_be_compared(inputs):
    with pytest.raises(InvalidRequestError, match="nothing to compare"):
        run(**inputs)


def test_a_file_without_text_is_refused():
    with pytest.raises(InvalidRequestError, match="holds no text"):
        run(file=InputFile("a.bin", b"\0\1"))


@pytest.mark.parametrize("step", [1, 2, 3])
def test_it_can_be_cancelled(step):
    with pytest.raises(TaskCancelledError):
        run(FakeTaskContext(cancel_after=step), texts="a")
