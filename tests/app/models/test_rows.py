"""Rows of the table: made of cards and broken files, narrowed and sorted."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.models.rows import ALL, Filter, Order, counts, row_of, rows_of, shown, tags_of
from engine import LibraryFolder, Origin, Provenance


@pytest.fixture
def rows(cards):
    return rows_of(cards.mocked, cards.folders)


@pytest.fixture
def cards(request):
    return request.getfixturevalue("staged")


def titles(rows) -> list[str]:
    return [row.title for row in rows]


def test_a_row_says_what_a_model_is_for_its_format_and_whose_it_is(cards):
    by_id = {row.id: row for row in rows_of(cards.mocked, ())}
    assert by_id["starter"].subtitle == "Chat · GGUF Q8_0 · included"
    assert by_id["llama-3.2-3b-instruct"].subtitle == "Chat · GGUF Q5_K_M · LM Studio"
    assert by_id["qwen2.5-coder-7b"].subtitle == "Code · GGUF Q4_K_M"
    assert by_id["reader"].subtitle == "Vision · ONNX INT8 · included"
    assert by_id["reader"].speed == "11\u00a0ms"
    assert by_id["mistral-small-24b"].speed == "–"
    assert by_id["starter"].size == "17\u00a0MB"


def test_kinds_are_counted(rows):
    assert counts(rows) == {ALL: 7, "Chat": 5, "Vision": 1, "Other": 1}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(kind="Vision"), ["reader-4m"]),
        (Filter(words="qwen 14b"), ["Qwen2.5 14B Instruct"]),
        (Filter(words="onnx emb"), ["MiniLM L6 v2"]),
        (Filter(words="lm studio"), ["Llama 3.2 3B Instruct"]),
        (Filter(words="nothing like it"), []),
        (Filter(kind="Other", order=Order.LARGEST), ["MiniLM L6 v2"]),
    ],
)
def test_rows_are_narrowed(rows, chosen, expected):
    assert titles(shown(rows, chosen)) == expected


@pytest.mark.parametrize(
    ("order", "first", "last"),
    [
        (Order.NAME, "Llama 3.2 3B Instruct", "starter-15m"),
        (Order.LARGEST, "Mistral Small 24B", "reader-4m"),
        (Order.SMALLEST, "reader-4m", "Mistral Small 24B"),
        (Order.FASTEST, "MiniLM L6 v2", "Mistral Small 24B"),
    ],
)
def test_rows_are_sorted(rows, order, first, last):
    found = titles(shown(rows, Filter(order=order)))
    assert (found[0], found[-1]) == (first, last)


def test_the_newest_comes_first(cards):
    came = Provenance(origin=Origin.OWN, folder=Path("/models"), added_at=1_800_000_000.0)
    rows = rows_of([*cards.mocked, replace(cards.big, provenance=came, title="Newcomer")], ())
    assert shown(rows, Filter(order=Order.NEWEST))[0].title == "Newcomer"


def test_favourites_and_tags_narrow_and_favourites_come_first(cards):
    marked = replace(cards.coder, is_favourite=True, tags=("work", "fast"))
    rows = rows_of([cards.big, marked, cards.reader], ())
    assert titles(shown(rows, Filter()))[0] == marked.title
    assert titles(shown(rows, Filter(favourites_only=True))) == [marked.title]
    assert titles(shown(rows, Filter(tag="fast"))) == [marked.title]
    assert titles(shown(rows, Filter(words="work"))) == [marked.title]
    assert tags_of(rows) == ("fast", "work")


def test_a_refused_model_keeps_the_rule_and_what_to_do(cards):
    row = row_of(cards.refused)
    assert row.is_refused
    assert row.rule == "tensor-offsets"
    assert "901,000,000" in row.cause
    assert row.remedy == "Fetch it again: the file is cut off."


def test_a_broken_file_is_a_row_with_the_reason_split_into_cause_and_remedy(tmp_path):
    path = tmp_path / "half.gguf"
    path.write_bytes(b"GGUF" + b"\0" * 1_999_996)
    reason = "The file ends in the middle. Fetch it again."
    folder = LibraryFolder(path=tmp_path, origin=Origin.OWN, is_used=True, broken=((path, reason),))
    (row,) = rows_of((), (folder,))
    assert (row.cause, row.remedy) == ("The file ends in the middle.", "Fetch it again.")
    assert (row.id, row.title, row.size) == (str(path), "half.gguf", "2\u00a0MB")
    assert not rows_of((), (replace(folder, is_used=False),))


def test_a_reason_without_advice_gets_one(tmp_path):
    folder = LibraryFolder(
        path=tmp_path, origin=Origin.OWN, is_used=True, broken=((tmp_path / "gone.onnx", "No graph"),)
    )
    (row,) = rows_of((), (folder,))
    assert (row.cause, row.size) == ("No graph", "–")
    assert row.remedy


def test_models_of_one_name_are_told_apart_by_their_files(cards):
    twin = replace(cards.starter, info=replace(cards.starter.info, id="twin", path=Path("/models/twin.gguf")))
    rows = {row.id: row for row in rows_of([cards.starter, twin, cards.reader], ())}
    assert rows["twin"].subtitle.startswith("twin.gguf · Chat")
    assert rows["reader"].subtitle.startswith("Vision")
