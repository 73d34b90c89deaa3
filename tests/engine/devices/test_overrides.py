"""Devices that a person has chosen for models."""

from pathlib import Path

import pytest

from engine.devices.overrides import Overrides
from engine.errors import ConfigError


def test_a_choice_outlives_the_program_and_can_be_taken_back(tmp_path: Path):
    file = tmp_path / "home" / "placements.json"
    Overrides(file).choose("starter", "gpu:0")
    assert (Overrides(file).of("starter"), Overrides(file).of("reader")) == ("gpu:0", "")
    Overrides(file).choose("starter", "")
    assert Overrides(file).of("starter") == ""


def test_choices_of_two_programs_are_both_kept(tmp_path: Path):
    file = tmp_path / "placements.json"
    one, other = Overrides(file), Overrides(file)
    assert (one.of("a"), other.of("a")) == ("", "")
    one.choose("a", "gpu:0")
    other.choose("b", "cpu")
    assert (Overrides(file).of("a"), Overrides(file).of("b")) == ("gpu:0", "cpu")


@pytest.mark.parametrize("content", [b"", b"[1, 2]", b'{"a": 1}', b"\xff\xfe", b"[" * 100_000])
def test_a_broken_file_is_no_choice_and_no_obstacle(tmp_path: Path, content: bytes):
    file = tmp_path / "placements.json"
    file.write_bytes(content)
    overrides = Overrides(file)
    assert overrides.of("a") == ""
    overrides.choose("a", "npu:0")
    assert Overrides(file).of("a") == "npu:0"


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path):
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(ConfigError, match="cannot be kept"):
        Overrides(tmp_path / "home" / "placements.json").choose("a", "cpu")
