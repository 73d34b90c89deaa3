"""Removing a plugin deletes its folder, and nothing beside it."""

import os
from pathlib import Path

import pytest

from engine.errors import PluginError
from engine.plugins.removal import empty_trash, remove_folder

posix = pytest.mark.skipif(os.name == "nt", reason="needs rights that most users of Windows lack")


@pytest.fixture
def user_dir(tmp_path: Path) -> Path:
    made = tmp_path / "home" / "plugins"
    for name in ("shout", "whisper"):
        (made / name / "data").mkdir(parents=True)
        (made / name / "data" / "words.txt").write_text("words")
    return made


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_one_folder_goes(user_dir: Path):
    remove_folder(user_dir, user_dir / "shout")
    assert everything(user_dir.parent) == [
        "plugins",
        "plugins/whisper",
        "plugins/whisper/data",
        "plugins/whisper/data/words.txt",
    ]


@posix
def test_links_inside_are_not_followed(user_dir: Path, tmp_path: Path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter.txt").write_text("dear")
    (user_dir / "shout" / "link").symlink_to(precious)
    (user_dir / "shout" / "file").symlink_to(precious / "letter.txt")
    os.link(precious / "letter.txt", user_dir / "shout" / "hard")
    remove_folder(user_dir, user_dir / "shout")
    assert (precious / "letter.txt").read_text() == "dear"
    assert not (user_dir / "shout").exists()


@posix
def test_a_link_in_place_of_the_folder_is_all_that_goes(user_dir: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    (user_dir / "shout").rename(elsewhere)
    (user_dir / "shout").symlink_to(elsewhere)
    remove_folder(user_dir, user_dir / "shout")
    assert not os.path.lexists(user_dir / "shout")
    assert (elsewhere / "data" / "words.txt").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../models", "shout/data", "/etc"])
def test_nothing_but_a_folder_in_the_users_folder_can_be_removed(name: str, user_dir: Path):
    before = everything(user_dir.parent)
    with pytest.raises(PluginError, match="no folder of a plugin of yours"):
        remove_folder(user_dir, user_dir / name if name not in {".", ""} else Path(f"{user_dir}/{name}"))
    assert everything(user_dir.parent) == before


@posix
def test_a_trash_that_leads_elsewhere_is_not_used(user_dir: Path, tmp_path: Path):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter.txt").touch()
    (user_dir.parent / ".plugins-trash").symlink_to(precious)
    with pytest.raises(PluginError, match="is a link"):
        remove_folder(user_dir, user_dir / "shout")
    empty_trash(user_dir)
    assert (precious / "letter.txt").exists()
    assert (user_dir / "shout" / "data" / "words.txt").exists()


def test_what_was_left_in_the_trash_goes_later(user_dir: Path):
    trash = user_dir.parent / ".plugins-trash" / "x" / "old"
    trash.mkdir(parents=True)
    empty_trash(user_dir)
    assert everything(user_dir.parent)[0] == "plugins"


def test_a_folder_that_is_gone_already(user_dir: Path):
    with pytest.raises(PluginError, match="cannot be removed"):
        remove_folder(user_dir, user_dir / "gone")
