"""Settings survive a round trip, a crash while writing, and a broken file."""

from pathlib import Path

import pytest

from app.settings import AppSettings


def test_round_trip(tmp_path: Path):
    path = tmp_path / "deep" / "window.toml"
    settings = AppSettings(
        theme="dark", model_dirs=("/a", "/b c"), vision_model="reader", geometry=(-5, 10, 1280, 800), page="recognize"
    )
    settings.save(path)
    assert AppSettings.load(path) == settings
    assert [entry.name for entry in path.parent.iterdir()] == ["window.toml"]


def test_a_missing_file_gives_the_defaults(tmp_path: Path):
    assert AppSettings.load(tmp_path / "none.toml") == AppSettings()


@pytest.mark.parametrize(
    "content",
    [
        b"theme = ",
        b"\xff\xfe\x00",
        b'theme = "sepia"',
        b"theme = 3",
        b"geometry = [1, 2, 3]",
        b'geometry = [1, 2, 3, "x"]',
        b"geometry = [1, 2, 3, 99999999]",
        b"geometry = [true, true, true, true]",
        b"model_dirs = [1]",
        b'model_dirs = "one"',
        b"page = []",
    ],
)
def test_a_broken_file_is_set_aside_and_the_defaults_are_used(tmp_path: Path, content: bytes):
    path = tmp_path / "window.toml"
    path.write_bytes(content)
    assert AppSettings.load(path) == AppSettings()
    assert not path.exists()
    assert (tmp_path / "window.broken.toml").read_bytes() == content


def test_settings_of_a_later_version_are_left_out(tmp_path: Path):
    path = tmp_path / "window.toml"
    path.write_text('theme = "dark"\nnew_thing = 1\n', encoding="utf-8")
    assert AppSettings.load(path) == AppSettings(theme="dark")


def test_a_folder_in_the_way_changes_nothing(tmp_path: Path):
    path = tmp_path / "window.toml"
    path.mkdir()
    (path / "keep").touch()
    with pytest.raises(OSError):
        AppSettings().save(path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["window.toml"]
