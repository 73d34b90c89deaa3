"""What loads have shown of architectures, and the file in which it is kept."""

from pathlib import Path

import pytest

from engine.memory.corrections import Corrections


def test_nothing_is_corrected_until_something_was_loaded(tmp_path: Path) -> None:
    assert Corrections(tmp_path / "nowhere" / "footprints.json").ratios("llama") == (1.0, 1.0)


def test_what_was_learned_outlives_the_program(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "footprints.json"
    Corrections(path).note("llama", (0.6, 1.5))
    kv, compute = Corrections(path).ratios("llama")
    assert kv == pytest.approx(0.7)  # what was saved is believed by three quarters
    assert compute == 1.5
    assert Corrections(path).ratios("other") == (1.0, 1.0)


def test_the_load_that_took_most_counts_among_the_newest(tmp_path: Path) -> None:
    corrections = Corrections(tmp_path / "footprints.json")
    corrections.note("llama", (1.4, 1.0))
    for number in range(8):
        assert corrections.ratios("llama")[0] == 1.4
        corrections.note("llama", (0.5 + 0.05 * number, 1.0))
    assert corrections.ratios("llama")[0] < 1.0


def test_two_hearths_share_the_file(tmp_path: Path) -> None:
    path = tmp_path / "footprints.json"
    first, second = Corrections(path), Corrections(path)
    assert first.ratios("a") == second.ratios("b") == (1.0, 1.0)
    first.note("a", (2.0, 1.0))
    second.note("b", (1.0, 2.0))
    assert (Corrections(path).ratios("a"), Corrections(path).ratios("b")) == ((2.0, 1.0), (1.0, 2.0))


@pytest.mark.parametrize("text", ["", "{", '{"ratios": {"a": [[-1, 1]]}}', '{"format": 99, "ratios": {}}', "[" * 9999])
def test_a_damaged_file_counts_as_empty(tmp_path: Path, text: str) -> None:
    path = tmp_path / "footprints.json"
    path.write_text(text)
    corrections = Corrections(path)
    assert corrections.ratios("a") == (1.0, 1.0)
    corrections.note("a", (2.0, 2.0))
    assert Corrections(path).ratios("a") == (2.0, 2.0)


def test_absurd_ratios_are_bounded_and_the_file_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "footprints.json"
    corrections = Corrections(path)
    corrections.note("a", (100.0, 0.0))
    assert corrections.ratios("a") == (3.0, 0.25)
    kept = Corrections(None)
    for number in range(600):
        kept.note(f"{number}", (2.0, 2.0))
    assert kept.ratios("0") == (1.0, 1.0)
    assert kept.ratios("599") == (2.0, 2.0)
