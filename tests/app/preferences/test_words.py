from dataclasses import replace

import pytest

from app.preferences.words import (
    answer_figures,
    budget_words,
    disk_words,
    duration_words,
    holdings,
    memory_words,
    prompt_figures,
    squeeze_words,
)
from engine import CacheInfo, CacheTierInfo
from engine.hardware import HardwareSnapshot, TelemetrySample

GIB, MIB = 1 << 30, 1 << 20
NOTHING = CacheTierInfo(entries=0, size_bytes=0, limit_bytes=0, hits=0)
EMPTY = CacheInfo(memory=NOTHING, disk=NOTHING, prefixes=NOTHING)


def machine(used_gib: float = 7.6, ours_gib: float = 4.9) -> HardwareSnapshot:
    latest = TelemetrySample(
        at_s=1.0, devices={}, memory_used_bytes=round(used_gib * GIB), memory_ours_bytes=round(ours_gib * GIB)
    )
    return HardwareSnapshot(
        devices=(),
        loads={},
        latest=latest,
        memory_bytes=16 * GIB,
        memory_budget_bytes=10 * GIB,
        rates=(),
        is_probed=True,
    )


def plain(words: str) -> str:
    return words.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 kB"), (420_300, "420 kB"), (312_400_000, "312 MB"), (999_900_000, "1.0 GB"), (1_234_000_000, "1.2 GB")],
)
def test_sizes_on_disk_are_decimal(size: int, words: str) -> None:
    assert plain(disk_words(size)) == words


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 MB"), (41 << 10, "41 kB"), (64 * MIB, "64 MB"), (GIB, "1.0 GB"), (9 * GIB, "9.0 GB")]
)
def test_sizes_in_memory_are_counted_as_on_the_hardware_page(size: int, words: str) -> None:
    assert plain(memory_words(size)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (4.21, "4.2 s"), (42.4, "42 s"), (252.4, "4 min 12 s"), (7500, "2 h 5 min")],
)
def test_lengths_of_time(seconds: float, words: str) -> None:
    assert plain(duration_words(seconds)) == words


def test_a_budget_is_said_with_what_it_means() -> None:
    assert "leave free, 10 GB just now" in plain(budget_words(None, machine()))
    own = plain(budget_words(6 * GIB, machine()))
    assert own.startswith("All models together may take 6 GB.")
    assert "read from the disk for every token" in own


def test_a_budget_that_others_leave_no_room_for_is_warned_of() -> None:
    assert squeeze_words(None, machine()) == ""
    assert squeeze_words(12 * GIB, machine()) == ""
    assert "Other programs use 2.7 GB now, so 13.3 GB can be had." in plain(squeeze_words(14 * GIB, machine()))
    assert squeeze_words(14 * GIB, replace(machine(), latest=None)) == ""


def test_who_holds_the_memory(model) -> None:
    models = [model("small", 0.1), model("large", 4.4), model("on the card", 3.0, 2.5)]
    cache = replace(EMPTY, memory=replace(NOTHING, size_bytes=32 * MIB))
    held = holdings(machine(9.0, 5.5), models, cache)
    assert [(holding.name, plain(memory_words(holding.size_bytes))) for holding in held] == [
        ("large", "4.4 GB"),
        ("on the card", "512 MB"),
        ("small", "102 MB"),
        ("Kept answers", "32 MB"),
        ("Hearth itself", "480 MB"),
        ("Other programs", "3.5 GB"),
    ]
    assert len({holding.role for holding in held}) == len(held)


def test_many_models_share_a_row_and_what_is_unknown_is_left_out(model) -> None:
    held = holdings(replace(machine(), latest=None), [model(f"m{number}", 1.0) for number in range(6)], EMPTY)
    assert [holding.name for holding in held] == ["m0", "m1", "m2", "3 more models"]
    assert held[-1].size_bytes == 3 * GIB


def test_figures_of_an_empty_and_a_full_cache(full_cache) -> None:
    assert [plain(figure.words) for figure in answer_figures(EMPTY)] == ["0 answers", "–", "0 s"]
    figures = answer_figures(full_cache)
    assert [plain(figure.words) for figure in figures] == ["1,834 answers", "38 %", "4 min 12 s"]
    assert plain(figures[1].tip) == "81 of 214 questions since Hearth was opened"
    assert [plain(figure.words) for figure in prompt_figures(full_cache)] == ["12 prompts", "18,400 tokens"]
