"""Code out of answers, whole and while they are being written."""

import pytest

from plugins.code.fences import CodeStream, code_in

ANSWERS = {
    "bare": ("def f():\n    pass\n", "def f():\n    pass\n"),
    "fenced": ("```python\nx = 1\n```", "x = 1\n"),
    "with words": ("Here it is:\n\n```python\nx = 1\n```\nHave fun!", "x = 1\n"),
    "two blocks": ("```\na\n```\nand\n```\nb\n```", "a\n\n\nb\n"),
    "never closed": ("```python\nx = 1\ny = 2", "x = 1\ny = 2\n"),
    "nested": ("````markdown\n```\nx\n```\n````", "```\nx\n```\n"),
    "tildes": ("~~~\nx\n~~~", "x\n"),
    "inline": ("Use ```x``` here.", "Use ```x``` here.\n"),
    "indented code": ("```\nif x:\n    y\n```", "if x:\n    y\n"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_code_is_freed_of_fences_and_words(name):
    answer, code = ANSWERS[name]
    assert code_in(answer) == code


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_code_is_let_through_while_it_is_written(size):
    answer = "Sure, here:\n```python\nx = 1\n\ny = `2`\n```\nThat was it.\n"
    stream = CodeStream()
    seen = [stream.push(answer[start : start + size]) for start in range(0, len(answer), size)]
    assert "".join(seen) == "x = 1\n\ny = `2`\n\n\n"


def test_words_before_a_fence_are_held_back():
    stream = CodeStream()
    assert stream.push("Sure:\n``") == ""
    assert stream.push("`py\nx = 1\ny") == "x = 1\n"
