"""Numbers of the page in words."""

import pytest

from app.models.words import (
    about_words,
    count_words,
    device_words,
    fit_look,
    kind_of,
    licence_words,
    list_words,
    size_words,
    speed_words,
    use_words,
)
from engine import Accepts, Fit


@pytest.mark.parametrize(
    ("size_bytes", "words"),
    [
        (8_990_000_000, "8.99 GB"),
        (19_300_000_000, "19.3 GB"),
        (128_000_000_000, "128 GB"),
        (17_000_000, "17 MB"),
        (5_000_000, "5 MB"),
        (2_461_365, "2.5 MB"),
        (999_700_000, "1.00 GB"),
        (420_000, "420 kB"),
        (0, "0 kB"),
    ],
)
def test_sizes_are_decimal_as_on_the_disk(size_bytes, words):
    assert size_words(size_bytes).replace("\u00a0", " ") == words


@pytest.mark.parametrize(
    ("per_s", "is_text", "words"),
    [
        (None, True, "–"),
        (0, True, "–"),
        (0.42, True, "0.4 tok/s"),
        (3.2, True, "3 tok/s"),
        (1420.0, True, "1,420 tok/s"),
        (90.0, False, "11 ms"),
        (700.0, False, "1.4 ms"),
        (0.4, False, "2.5 s"),
    ],
)
def test_speeds_count_tokens_or_take_milliseconds(per_s, is_text, words):
    assert speed_words(per_s, is_text=is_text).replace("\u00a0", " ") == words


def test_verdicts_have_an_icon_a_tone_and_a_word():
    looks = [fit_look(Fit.FITS), fit_look(Fit.PAGING, 3.0), fit_look(Fit.NO), fit_look(Fit.PAGING)]
    assert [look.words for look in looks] == [
        "Fits",
        "Fits with paging ~3\u00a0tok/s",
        "Does not fit",
        "Fits with paging",
    ]
    assert len({look.icon for look in looks[:3]}) == len({look.role for look in looks[:3]}) == 3


@pytest.mark.parametrize(
    ("accepts", "kind", "use"),
    [
        ({Accepts.MESSAGES, Accepts.PROMPT}, "Chat", "Chat"),
        ({Accepts.PROMPT, Accepts.SUFFIX}, "Chat", "Code"),
        ({Accepts.PROMPT}, "Chat", "Text"),
        ({Accepts.IMAGE}, "Vision", "Vision"),
        ({Accepts.IMAGE, Accepts.MESSAGES}, "Chat", "Chat"),
        ({Accepts.TEXTS}, "Other", "Embeddings"),
        (set(), "Other", "Unknown"),
    ],
)
def test_models_are_sorted_by_what_they_accept(accepts, kind, use):
    assert (kind_of(frozenset(accepts)), use_words(frozenset(accepts))) == (kind, use)


def test_the_line_below_a_title(staged):
    words = about_words(staged.big.info).replace("\u00a0", " ")
    assert words == "Chat · 14.8 B parameters · Apache 2.0 · context up to 32,768"


def test_the_rest():
    assert count_words(4_196_608).replace("\u00a0", " ") == "4.2 M"
    assert count_words(999) == "999"
    assert licence_words("apache-2.0") == "Apache 2.0"
    assert licence_words("my-own") == "my-own"
    assert list_words(["a", "b", "c"]) == "a, b and c"
    assert list_words(["a"]) == "a"
    assert device_words("gpu:0+cpu", {"gpu:0": "GPU", "cpu": "CPU"}) == "GPU + CPU"
    assert device_words("", {}) == "–"
