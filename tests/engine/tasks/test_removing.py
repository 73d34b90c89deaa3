"""Removing: into the trash or for good, all that belongs to a model and nothing else."""

import os
import sys
from pathlib import Path

import pytest

from engine.errors import ModelError, ModelNotFoundError
from tests.engine.tasks.library import READER, STARTER, Desk, copied, graph


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home", trusted=(tmp_path,))


def test_a_model_is_deleted_for_good_and_forgotten(desk):
    path = copied(STARTER, desk.models / "mine.gguf")
    path.chmod(0o444)
    desk.rename("mine", "Mine")
    before = desk.version()
    assert desk.remove("mine", permanently=True) == (path,)
    assert not path.exists()
    assert desk.version() > before
    assert desk.library.notes.all() == {}
    with pytest.raises(ModelNotFoundError):
        desk.card("mine")


def test_a_model_goes_to_the_trash_and_its_note_waits_for_it(desk, monkeypatch):
    path, trash = copied(STARTER, desk.models / "mine.gguf"), desk.home / "trash.gguf"
    monkeypatch.setattr("send2trash.send2trash", lambda it: os.replace(it, trash))
    desk.rename("mine", "Mine")
    assert desk.remove("mine") == (path,)
    assert trash.read_bytes() == STARTER.read_bytes()
    trash.rename(desk.models / "restored.gguf")
    assert desk.card("restored").title == "Mine"


@pytest.mark.skipif(sys.platform != "linux", reason="the trash of freedesktop.org")
def test_the_real_trash_takes_it(desk, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # the trash of a home is for files on its own disk
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("send2trash.plat_other.HOMETRASH", str(tmp_path / "data" / "Trash"), raising=False)
    monkeypatch.setattr("send2trash.plat_other.HOMETRASH_B", os.fsencode(tmp_path / "data" / "Trash"), raising=False)
    path = copied(STARTER, desk.models / "mine.gguf")
    desk.remove("mine")
    assert not path.exists()
    assert (tmp_path / "data" / "Trash" / "files" / "mine.gguf").read_bytes() == STARTER.read_bytes()


def test_without_a_trash_it_stays_and_a_sentence_says_what_to_do(desk, monkeypatch):
    path = copied(STARTER, desk.models / "mine.gguf")

    def refuse(_path: object) -> None:
        raise PermissionError(13, "no trash here")

    monkeypatch.setattr("send2trash.send2trash", refuse)
    with pytest.raises(ModelError, match="cannot be put into the trash: no trash here") as refused:
        desk.remove("mine")
    assert "permanently" in refused.value.remedy
    assert path.exists()


def test_what_came_with_hearth_belongs_to_others_or_is_in_use_stays(desk, tmp_path, monkeypatch):
    monkeypatch.setenv("HEARTH_FOREIGN_HOME", str(tmp_path))
    copied(STARTER, tmp_path / ".lmstudio" / "models" / "o" / "n" / "theirs.gguf")
    desk.in_use.add(copied(STARTER, desk.models / "busy.gguf"))
    for model, why in (("starter", "came with Hearth"), ("theirs", "belongs to LM Studio"), ("busy", "is in memory")):
        with pytest.raises(ModelError, match=why):
            desk.remove(model, permanently=True)
        assert desk.card(model).info.path.exists()


def test_a_graph_goes_with_what_belongs_to_it_but_for_what_others_need(desk):
    folder = desk.models / "pair"
    one, two = (graph(folder / f"{name}.onnx", external="shared.bin") for name in ("one", "two"))
    (folder / "one.json").write_text('{"name": "One"}')
    (folder / "tokenizer.json").write_text("{}")
    assert set(desk.remove("one", permanently=True)) == {one, folder / "one.json"}
    assert set(desk.remove("two", permanently=True)) == {two, folder / "shared.bin", folder / "tokenizer.json"}
    assert not folder.exists()
    assert desk.models.exists()


def test_a_folder_with_something_else_in_it_stays(desk):
    copied(READER, desk.models / "mine" / "reader.onnx")
    (desk.models / "mine" / "notes.txt").write_text("keep me")
    desk.remove(str(desk.models / "mine" / "reader.onnx"), permanently=True)
    assert [it.name for it in (desk.models / "mine").iterdir()] == ["notes.txt"]
