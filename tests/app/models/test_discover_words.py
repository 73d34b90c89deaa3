"""Words and small decisions of Discover, without Qt's loop."""

from time import perf_counter

import pytest

from app.models.card_view_text import MOST_CARD, readable
from app.models.discover_query import is_anything, matches
from app.models.hub_words import (
    clean,
    downloads_words,
    left_words,
    line,
    part_words,
    quality_words,
    rate_words,
    short_name,
    stated_licence,
    task_words,
)
from app.models.size_slider import file_sentence, stops_of
from engine import Fit, HubFile, HubQuery, Sort
from tests.app.models.finds import CODER, GATED, MB, QWEN, hub_file


@pytest.mark.parametrize(
    ("done", "total", "words"),
    [
        (1_460 * MB, 2_390 * MB, "1.46 of 2.39\u00a0GB"),
        (1_200 * MB, 19_300 * MB, "1.2 of 19.3\u00a0GB"),
        (3 * MB, 17 * MB, "3 of 17\u00a0MB"),
        (4_000, 900_000, "4 of 900\u00a0kB"),
    ],
)
def test_parts_say_their_unit_once(done, total, words):
    assert part_words(done, total) == words


@pytest.mark.parametrize(
    ("rate", "words"),
    [(31e6, "31\u00a0MB/s"), (1.25e6, "1.2\u00a0MB/s"), (40_000, "40\u00a0kB/s"), (2.5e9, "2.5\u00a0GB/s")],
)
def test_rates(rate, words):
    assert rate_words(rate) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1\u00a0s"),
        (30, "30\u00a0s"),
        (240, "4\u00a0min"),
        (7_500, "2\u00a0h 5\u00a0min"),
        (7_200, "2\u00a0h"),
        (400_000, "5\u00a0days"),
    ],
)
def test_times_that_are_left(seconds, words):
    assert left_words(seconds) == words


@pytest.mark.parametrize(
    ("quantization", "words"),
    [
        ("Q4_K_M", "Good"),
        ("UD-Q4_K_XL", "Good"),
        ("IQ2_XXS", "Weak"),
        ("Q8_0", "Full"),
        ("INT8", "Full"),
        ("F16", "Original"),
        ("BF16", "Original"),
        ("MXFP4", ""),
        ("", ""),
    ],
)
def test_quality_is_told_from_the_type_of_the_weights_or_not_at_all(quantization, words):
    assert quality_words(hub_file(quantization, MB)) == words


def test_what_strangers_write_hides_nothing_and_stays_short():
    assert line("a\u202eb\x00c\nd") == "a b c d"
    assert len(clean("x" * 9_000)) == 2_001
    assert stated_licence("apache-2.0") == "Apache 2.0"
    assert stated_licence("") == "Licence not stated"
    assert stated_licence("my own\nlicence") == "my own licence"
    assert task_words("embed") == "Search by meaning"
    assert task_words("text-to-speech") == "Text to speech"
    assert downloads_words(812) == "812 downloads"


def test_a_file_without_a_type_is_called_by_its_name():
    file = HubFile(name="folder/odd.gguf", parts=("folder/odd.gguf",), size_bytes=5 * MB)
    assert short_name(file) == "odd.gguf"
    assert file_sentence(file) == "odd.gguf, 5\u00a0MB, Not known yet"


def test_four_stops_hold_the_recommended_and_the_chosen_one():
    files = [
        hub_file(f"Q{bits}_{letter}", (10 * bits + at) * MB) for bits in range(2, 9) for at, letter in enumerate("SM")
    ]
    for recommended in files:
        for chosen in files:
            stops = stops_of(files, recommended.name, chosen.name)
            assert len(stops) == 4
            assert {recommended, chosen} <= set(stops)
            assert list(stops) == sorted(stops, key=lambda file: file.size_bytes)
    assert stops_of(files[:3], "") == tuple(files[:3])
    assert stops_of([], "") == ()


def test_a_query_narrows_by_each_of_its_parts():
    assert matches(QWEN, HubQuery())
    assert matches(QWEN, HubQuery(text="INSTRUCT qwen"))
    assert not matches(QWEN, HubQuery(text="qwen painter"))
    assert matches(QWEN, HubQuery(task="summarize"))
    assert not matches(QWEN, HubQuery(task="code"))
    assert not matches(GATED, HubQuery(licence="mit"))
    assert matches(CODER, HubQuery(licence="mit", quantization="q8_0"))
    assert not matches(CODER, HubQuery(format="onnx"))
    assert matches(QWEN, HubQuery(most_bytes=4_000 * MB, quantization="Q3_K_M"))
    assert not matches(QWEN, HubQuery(most_bytes=3_500 * MB, quantization="Q3_K_M"))  # one file must be all of it
    assert not matches(QWEN, HubQuery(quantization="F16", fits_only=True))
    unknown = hub_file("Q4_K_M", MB, None, None)
    assert unknown.fit is not Fit.FITS


def test_an_order_is_not_something_to_look_for():
    assert is_anything(HubQuery(sort=Sort.NEWEST, limit=5))
    assert not is_anything(HubQuery(fits_only=True))


def test_a_card_is_read_without_what_is_for_web_pages_only():
    text, is_cut = readable(
        "---\nlicense: mit\n---\n<!-- a note -->\n<div align='center'>\n<b>Bold</b> words<br>more\n</div>\n"
        "[![badge](https://a/b.svg)](https://a)\n\n![one](https://a/1.png) ![two](https://a/2.png)\n\n"
        "Use `Vec<T>` and a < b.\n\n~~~html\n<div>kept</div>\n~~~\n"
    )
    assert not is_cut
    assert text == "Bold words\nmore\n\nUse `Vec<T>` and a < b.\n\n~~~html\n<div>kept</div>\n~~~"


def test_a_hostile_card_costs_no_time_and_stays_short():
    badges = "[![a](b)](c)" * 9_000 + "x"
    for piece in ("<div " * 20_000, "![" * 40_000, "<!--" * 20_000, "```\n" * 30_000, "<a\t" * 30_000, badges):
        begin = perf_counter()
        text, is_cut = readable(piece)
        assert perf_counter() - begin < 2
        assert is_cut
        assert len(text) <= MOST_CARD + MOST_CARD // 1_000  # seams where lines were too long
