"""Notes: kept through moves, damage and other processes."""

import os
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cards import ModelDefaults
from engine.errors import ConfigError
from engine.models.library import ModelLibrary
from engine.models.notes import NOTHING, Note, Notes, note_stamp, of_this_file
from engine.requests import Sampling

DEFAULTS = ModelDefaults(context_tokens=64, sampling=Sampling(temperature=0.1, logit_bias={3: -1.5}), is_pinned=True)


def titled(title: str):
    return lambda note: replace(note, title=title)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "notes.db"


def test_a_note_lasts(tmp_path, file, write_gguf):
    path = write_gguf()
    notes = Notes(file)
    assert notes.of(path) == NOTHING
    notes.change(path, lambda note: replace(note, title="Mine", tags=("a", "b"), defaults=DEFAULTS, tokens_per_s=3.5))
    notes.close()
    wanted = Note(title="Mine", tags=("a", "b"), defaults=DEFAULTS, tokens_per_s=3.5)
    assert Notes(file).of(path) == wanted
    assert Notes(file).all() == {str(path): wanted}
    Notes(file).forget(path)
    assert Notes(file).of(path) == NOTHING


def test_another_process_sees_a_change_at_once(file, write_gguf):
    path, one, two = write_gguf(), Notes(file), Notes(file)
    one.change(path, titled("One"))
    assert two.of(path).title == "One"
    before = one.version
    two.change(path, lambda note: replace(note, is_favourite=True))
    assert one.version != before
    assert one.of(path) == Note(title="One", is_favourite=True)


@pytest.mark.parametrize("is_open", [True, False])
def test_a_note_follows_its_file(tmp_path, file, write_gguf, is_open):
    folder = tmp_path / "models"
    path = write_gguf("a.gguf", folder=folder)
    write_gguf("b.gguf", folder=folder, general__description="Bigger by far")
    library = ModelLibrary([folder], notes=Notes(file))
    library.scan()
    library.notes.change(path, titled("Mine"))
    if not is_open:
        library.close()
        library = ModelLibrary([folder], notes=Notes(file))
    (folder / "sub").mkdir()
    moved = path.rename(folder / "sub" / "renamed.gguf")
    library.scan()
    assert library.notes.of(moved).title == "Mine"
    assert Notes(file).all().keys() == {str(moved)}


def test_a_copy_does_not_take_the_note_of_its_source(tmp_path, file, write_gguf):
    folder = tmp_path / "models"
    path = write_gguf("a.gguf", folder=folder)
    library = ModelLibrary([folder], notes=Notes(file))
    library.scan()
    library.notes.change(path, titled("Mine"))
    shutil.copy(path, folder / "copy.gguf")
    library.scan()
    assert library.notes.of(folder / "copy.gguf") == NOTHING
    path.unlink()
    write_gguf("other.gguf", folder=folder, general__description="Other")
    library.scan()
    assert library.notes.of(folder / "other.gguf") == NOTHING
    assert library.notes.of(path).title == "Mine"  # it may come back


def test_what_is_said_of_the_content_holds_for_that_content_only(tmp_path, write_gguf):
    path = write_gguf()
    note = Note(title="Mine", sha256="ab", repo="o/n", stamp=note_stamp(path))
    assert of_this_file(note, path) == note
    write_gguf(general__description="Another one")
    assert of_this_file(note, path) == Note(title="Mine")


@pytest.mark.parametrize("where", ["header", "all"])
def test_damaged_notes_are_set_aside(file, write_gguf, where):
    path = write_gguf()
    notes = Notes(file)
    notes.change(path, titled("Mine"))
    notes.close()
    file.write_bytes(os.urandom(100) + file.read_bytes()[100:] if where == "header" else os.urandom(9000))
    notes = Notes(file)
    assert notes.of(path) == NOTHING
    notes.change(path, titled("Again"))
    notes.close()
    assert Notes(file).of(path).title == "Again"
    assert [it for it in file.parent.iterdir() if it.name.startswith("notes.db.corrupt-")]


def test_notes_that_are_in_memory_survive_damage_of_the_file(file, write_gguf):
    path = write_gguf()
    notes = Notes(file)
    notes.change(path, titled("Mine"))
    notes._fail(damage_error())
    assert notes.of(path).title == "Mine"
    assert Notes(file).of(path).title == "Mine"


def damage_error() -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def test_a_damaged_row_costs_only_itself(file, write_gguf):
    one, two = write_gguf("1.gguf"), write_gguf("2.gguf")
    notes = Notes(file)
    for path in (one, two):
        notes.change(path, titled(path.name))
    notes.close()
    with sqlite3.connect(file) as database:
        database.execute("UPDATE notes SET note = '{\"title\": 7}' WHERE path = ?", (str(one),))
    database.close()
    assert [Notes(file).of(path).title for path in (one, two)] == ["", "2.gguf"]


def test_where_nothing_can_be_written_a_sentence_says_so(tmp_path, write_gguf):
    path = write_gguf()
    (tmp_path / "blocked").write_text("a file, where the folder should be")
    notes = Notes(tmp_path / "blocked" / "notes.db")
    assert notes.of(path) == NOTHING
    with pytest.raises(ConfigError, match="cannot be kept in"):
        notes.change(path, titled("Mine"))
    assert notes.of(path) == NOTHING


def test_a_note_about_a_file_that_cannot_be_read_is_kept_too(tmp_path, file):
    notes = Notes(file)
    notes.change(tmp_path / "gone.gguf", titled("Gone"))
    assert Notes(file).of(tmp_path / "gone.gguf").title == "Gone"
