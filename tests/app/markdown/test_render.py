import time

import pytest

from app.markdown.highlight import LanguageShelf, Span, highlight_steps, language_of
from app.markdown.links import is_safe_link
from app.markdown.render import Code, Prose, Step, render, render_steps


def html_of(markdown: str) -> str:
    return "".join(block.html for block in render(markdown) if isinstance(block, Prose))


def test_prose_and_code_become_blocks() -> None:
    blocks = render("# Title\n\nWords *here*.\n\n```python\nx = 1\n```\nAfter.")
    assert [type(block).__name__ for block in blocks] == ["Prose", "Code", "Prose"]
    assert blocks[0].html == "<h1>Title</h1>\n<p>Words <em>here</em>.</p>\n"
    assert (blocks[1].language, blocks[1].text) == ("Python", "x = 1")


def test_an_unclosed_fence_runs_to_the_end() -> None:
    blocks = render("Look:\n```py\nprint(1)\n\nstill code")
    assert isinstance(blocks[-1], Code)
    assert blocks[-1].text == "print(1)\n\nstill code"


def test_a_fence_in_a_list_loses_its_indent() -> None:
    blocks = render("1. Do:\n\n   ```\n   a\n     b\n   ```\n2. Then")
    assert [block.text for block in blocks if isinstance(block, Code)] == ["a\n  b"]
    assert 'start="2"' in blocks[-1].html


@pytest.mark.parametrize(
    ("markdown", "code"),
    [
        ("~~~\n```\n~~~", "```"),
        ("````\n```\n````\nx", "```"),
        ("```\n```", ""),
        ("```unknown-language\nx\n```", "x"),
    ],
)
def test_fences(markdown: str, code: str) -> None:
    assert [block.text for block in render(markdown) if isinstance(block, Code)] == [code]


def test_backticks_in_a_line_are_no_fence() -> None:
    assert "<code>x</code>" in html_of("```x``` is code in a line")


@pytest.mark.parametrize(
    "markdown",
    [
        "<script>alert(1)</script>",
        "<img src='file:///etc/passwd'>",
        "a <b onclick=x>b</b>",
        "<!-- x -->",
        "<a href='https://x.org'>x</a>",
        "<iframe src=//x></iframe>",
    ],
)
def test_html_is_shown_as_text(markdown: str) -> None:
    html = html_of(markdown)
    assert "&lt;" in html
    assert not any(tag in html for tag in ("<script", "<img", "<b ", "<!--", "<a ", "<iframe"))


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "vbscript:x",
        "ms-msdt:/x",
        "smb://host/x",
        "//host/x",
        "/etc/passwd",
        "C:\\windows",
        "",
        "hearth:open",
    ],
)
def test_other_links_stay_words(url: str) -> None:
    assert not is_safe_link(url)
    assert "href" not in html_of(f"[words](<{url}>)")


@pytest.mark.parametrize("url", ["https://[", "http://x\x00y", "https://x\u2028y"])
def test_broken_addresses_are_not_offered(url: str) -> None:
    assert not is_safe_link(url)


@pytest.mark.parametrize("url", ["http://x.org", "https://x.org/a?b=c", "mailto:a@b.c", "HTTPS://X.ORG"])
def test_safe_links_are_links(url: str) -> None:
    assert is_safe_link(url)
    assert "<a href=" in html_of(f"[words]({url})")


def test_pictures_are_described_never_loaded() -> None:
    html = html_of('![a <b>](https://tracker.example/x.png) ![](https://y.example/z.png "t")')
    assert "<img" not in html
    assert "tracker" not in html
    assert "[picture: a &lt;b&gt;]" in html
    assert "without a description" in html


def test_tables_and_strikethrough() -> None:
    html = html_of("| a | b |\n|---|---|\n| 1 | ~~2~~ |")
    assert "<table" in html
    assert "<s>2</s>" in html


HOSTILE = [
    "",
    "\n" * 5000,
    "`" * 5000,
    "*" * 5000,
    "[" * 5000,
    "![" * 2000,
    "> " * 3000 + "x",
    "- " * 2000 + "x",
    "|" * 5000 + "\n" + "|-" * 2500,
    "&#0;&#xD800;&#x110000;",
    "\x00\x1b[31m\x7f",
    "\ud800 lone",
    "a" * 100_000,
    "[a]: b\n" * 2000,
    "```" + "x" * 10_000,
    "```python\n" + "'" * 20_000,
    "\u202e right to left \u2028 line",
    "<" * 20_000,
    "_a_" * 5000,
    "1. " * 2000,
    "[x](" + "(" * 3000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_hostile_text_neither_raises_nor_stalls(text: str) -> None:
    slowest, before = 0.0, time.thread_time()
    for _block in render_steps(text):
        now = time.thread_time()
        slowest, before = max(slowest, now - before), now
    assert slowest < 0.25  # seconds; quadratic behaviour over the whole text would take far longer


def test_long_prose_is_cut_between_paragraphs_only() -> None:
    paragraph = "Words that go on for a while, as words do. " * 10
    text = "\n\n".join(paragraph for _ in range(30))
    blocks = render(text)
    assert len(blocks) > 3
    assert sum(block.html.count("<p>") for block in blocks) == 30


def test_a_long_list_is_not_torn_at_its_items() -> None:
    text = "\n\n".join(f"- item {number} with some words in it" for number in range(100))
    assert len(render(text)) == 1


def test_colours_follow_qts_counting() -> None:
    code = '"😀" + 1'
    spans = [span for step in highlight_steps(code, language_of("python").lexer) for span in step]
    assert Span(7, 1, "syntax-number") in spans  # the picture counts two
    assert {span.role for span in spans} == {"syntax-string", "syntax-number"}


def test_keywords_functions_and_comments_have_their_own_colour() -> None:
    code = "def f():  # why\n    return 1"
    blocks = render(f"```python\n{code}\n```")
    assert isinstance(blocks[0], Code)
    found = {code[span.start : span.start + span.length]: span.role for span in blocks[0].spans}
    assert found["def"] == found["return"] == "syntax-keyword"
    assert found["f"] == "syntax-name"
    assert found["# why"] == "syntax-comment"


def test_very_long_code_stays_in_one_colour() -> None:
    assert list(highlight_steps("x = 1\n" * 20_000, language_of("python").lexer)) == []


@pytest.mark.parametrize(
    ("info", "title"), [("", "Code"), ("py", "Python"), ("{.python}", "Python"), ("nope", "nope"), ("c++ x", "C++")]
)
def test_language_names(info: str, title: str) -> None:
    assert language_of(info).title == title


def test_a_language_is_looked_for_beside_the_conversion() -> None:
    shelf = LanguageShelf()
    steps = render_steps("```ruby\nputs 1\n```", shelf.find)
    assert next(steps) is Step.WAITS
    deadline_s = time.monotonic() + 30
    for step in steps:
        assert time.monotonic() < deadline_s
        last = step
    assert isinstance(last, Code)
    assert last.language == "Ruby"
