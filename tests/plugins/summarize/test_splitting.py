"""Parts of a text: all of it, none too long, cut where a reader would pause."""

import pytest

from plugins.summarize.splitting import parts_of


def words(text: str) -> int:
    return len(text.split())


TEXTS = {
    "paragraphs": "\n\n".join(f"Paragraph {n} says something. It has a second sentence, too." for n in range(200)),
    "lines": "\n".join(f"line {n} of a log with some words" for n in range(500)),
    "one line": " ".join(f"word{n}" for n in range(3_000)),
    "no spaces": "x" * 50_000,
    "Chinese": "天气很好。我们去公园吧，好不好？" * 500,
    "short": "Just this.",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("most", [7, 100])
@pytest.mark.parametrize("count", [words, len], ids=["words", "characters"])
def test_parts_are_the_text_and_fit(name, most, count):
    parts = list(parts_of(TEXTS[name], most, count))
    assert "".join(parts) == TEXTS[name]
    assert max(count(part) for part in parts) <= most
    assert all(parts)


def test_parts_are_filled():
    parts = list(parts_of(TEXTS["paragraphs"], 100, words))
    assert sum(words(part) for part in parts) / len(parts) > 60


def test_parts_end_between_paragraphs_if_they_can():
    assert all(part.endswith("\n\n") for part in list(parts_of(TEXTS["paragraphs"], 100, words))[:-1])


def test_parts_end_after_a_sentence_where_there_are_no_paragraphs():
    text = " ".join(f"This is sentence number {n} of many." for n in range(300))
    assert all(part.rstrip().endswith(".") for part in parts_of(text, 50, words))


def test_a_heading_stays_with_its_section():
    text = "".join(f"# Title {n}\n{'Some words here. ' * 8}\n" for n in range(50))
    assert all(part.startswith("# Title") for part in parts_of(text, 60, words))


def test_tokens_are_counted_about_twice_per_part():
    calls = []

    def count(text: str) -> int:
        calls.append(text)
        return words(text)

    parts = list(parts_of(TEXTS["paragraphs"] * 10, 100, count))
    assert len(calls) <= 2.5 * len(parts)


def test_a_character_that_is_longer_than_a_part_stands_alone():
    assert list(parts_of("ab", 1, lambda text: 3 * len(text))) == ["a", "b"]
