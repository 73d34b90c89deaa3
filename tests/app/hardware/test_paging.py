"""Models that are larger than their memory: said where the machine is shown, and only while there are any."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.hardware.paging_words import paging_sentence, speed_of
from engine import LoadedModelInfo, ModelInfo, PagingInfo

GIB = 1 << 30


def paged_model(name: str = "qwen2.5-14b", **changes: Any) -> LoadedModelInfo:
    """A model of 7.2 GB of which 5.6 GB stay in memory."""
    info = ModelInfo(
        id=name, path=Path(f"{name}.gguf"), format="gguf", name=name, architecture="qwen2", size_bytes=7 * GIB
    )
    paging = PagingInfo(
        pinned_bytes=round(5.6 * GIB),
        streamed_bytes=round(1.6 * GIB),
        buffer_bytes=GIB // 4,
        bytes_per_token=1.6 * GIB,
        disk_share=0.58,
        tokens_per_s=0.9,
        predicted_tokens_per_s=1.0,
    )
    return LoadedModelInfo(
        info=info,
        device="cpu",
        memory_bytes=round(5.85 * GIB),
        running=1,
        idle_s=0.0,
        paging=replace(paging, **changes),
    )


@pytest.fixture
def paged() -> Callable[..., LoadedModelInfo]:
    return paged_model


def plain(words: str) -> str:
    return words.replace("\u00a0", " ")


def test_what_stays_what_is_read_and_how_fast(paged) -> None:
    entry = paged()
    lead, rest = paging_sentence(entry, entry.paging)
    assert plain(f"{lead} {rest}") == (
        "5.6 of 7.2 GB stay in memory; 1.6 GB are read from the disk per token, "
        "and 58 % of the time is spent waiting for it."
    )
    assert plain(speed_of(entry.paging)) == "0.9 tok/s, predicted 1.0"


@pytest.mark.parametrize(
    ("now", "predicted", "words"),
    [(0.0, 0.0, ""), (0.0, 1.0, "predicted 1.0 tok/s"), (0.9, 0.0, "0.9 tok/s")],
)
def test_a_speed_that_is_not_known_is_not_said(paged, now: float, predicted: float, words: str) -> None:
    paging = paged(tokens_per_s=now, predicted_tokens_per_s=predicted).paging
    assert plain(speed_of(paging)) == words


def test_before_the_first_token_and_of_a_small_model(paged) -> None:
    entry = paged(bytes_per_token=0.0, pinned_bytes=30 << 20, streamed_bytes=12 << 20)
    lead, rest = paging_sentence(entry, entry.paging)
    assert plain(f"{lead} {rest}") == "30 of 42 MB stay in memory; 12 MB are read from the disk in every step."


def test_the_card_is_there_while_a_model_is_paged(shown, paged) -> None:
    def check(bench) -> None:
        card = bench.board.paging
        assert not card.isVisible()
        bench.source.loaded = (replace(paged(), paging=None),)
        bench.controller.refresh()
        assert not card.isVisible()
        bench.source.loaded = (paged(), paged("second", note="It is paged by the system: the file is on a network."))
        bench.controller.refresh()
        assert card.isVisible()
        said = bench.said(card)
        for words in ("qwen2.5-14b", "Paged", "in memory 5.6 GB, buffers 256 MB, from disk 1.6 GB", "0.9 tok/s"):
            assert words in said
        assert [row._note.isVisible() for row in card.rows] == [False, True]
        assert "paged by the system" in said
        bar = card.rows[0].bar
        assert sum(part.share for part in bar.parts) == pytest.approx(1.0)
        assert bar.accessibleDescription() == card.rows[0].legend.accessibleName()
        assert "5.6 of 7.2" in card.rows[0].accessibleDescription()
        assert card.rows[0].accessibleName() == "qwen2.5-14b is paged"
        bench.source.loaded = ()
        bench.controller.refresh()
        assert (card.isVisible(), card.rows) == (False, [])

    shown(check)


def test_numbers_move_while_it_runs_and_lay_nothing_out(shown, paged) -> None:
    def check(bench) -> None:
        bench.source.loaded = (paged(),)
        bench.controller.refresh()
        row = bench.board.paging.rows[0]
        before = row.geometry()
        bench.source.loaded = (paged(tokens_per_s=1.2, disk_share=0.4),)
        bench.controller.refresh()
        assert bench.board.paging.rows == [row]
        assert (row.geometry(), plain(row.speed.accessibleName())) == (before, "1.2 tok/s, predicted 1.0")
        assert "40 %" in plain(row.sentence.accessibleName())

    shown(check)


def test_the_budget_is_one_press_away(shown) -> None:
    def check(bench) -> None:
        wanted = []
        bench.page.budget_wanted.connect(lambda: wanted.append(True))
        bench.board.memory.events.budget_button.click()
        assert wanted == [True]
        assert bench.board.memory.events.budget_button.accessibleName() == "Set the memory for models"

    shown(check)
