"""Pictures to calibrate with, and others to measure on."""

from pathlib import Path

import pytest

from engine.errors import CapabilityError
from engine.quantize.held_out import calibration_pictures, held_out_pictures, held_out_text


def test_drawn_pictures_are_the_same_every_time_and_no_word_is_in_both():
    name, shown = held_out_pictures(None, 20)
    assert name == "Hearth's held-out lines of text"
    assert [it.data for it in shown] == [it.data for it in held_out_pictures(None, 20)[1]]
    assert len({it.data for it in shown}) == 20
    assert not {it.data for it in shown} & set(calibration_pictures(None, 20))
    assert all(it.says and it.says.isascii() and len(it.says) <= 24 for it in shown)


def test_of_a_folder_each_half_has_its_use(tmp_path: Path):
    for number in range(9):
        (tmp_path / f"{number}.png").write_bytes(bytes([number]))
    (tmp_path / "notes.txt").write_text("no picture")
    name, shown = held_out_pictures(tmp_path)
    known, held = set(calibration_pictures(tmp_path)), {it.data for it in shown}
    assert name == f"pictures of {tmp_path.name}"
    assert not known & held
    assert known | held == {bytes([number]) for number in range(9)}
    assert abs(len(known) - len(held)) == 1
    assert {it.says for it in shown} == {None}


def test_a_folder_without_pictures_is_refused(tmp_path: Path):
    (tmp_path / "one.png").write_bytes(b"x")
    for ask in (calibration_pictures, held_out_pictures):
        with pytest.raises(CapabilityError, match="has 1 pictures, but at least 2"):
            ask(tmp_path)


def test_sentences_are_short_enough_for_models_of_sentences():
    sentences = held_out_text().sentences()
    assert len(sentences) >= 20
    assert all(40 <= len(sentence) <= 300 for sentence in sentences)
