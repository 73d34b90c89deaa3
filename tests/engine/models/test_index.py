"""The index: what was read once is not read again by the next process, and nothing that happens to it is fatal."""

import os
import sqlite3
import sys
from pathlib import Path

import pytest

import engine.models.catalogue as catalogue_module
import engine.models.index as index_module
from engine.build import BuildInfo
from engine.models.index import LibraryIndex
from engine.models.library import ModelLibrary
from engine.plugins.contract.models import ModelFacts, Recognition
from engine.plugins.offers import Offers
from engine.plugins.registry import Registry
from engine.requests import Accepts

TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}"


class Family:
    """Takes every model and counts how often it is asked."""

    id = "family"

    def __init__(self) -> None:
        self.asked: list[ModelFacts] = []

    def recognise(self, facts: ModelFacts) -> Recognition:
        self.asked.append(facts)
        return Recognition(accepts=frozenset({Accepts.PROMPT}), tasks=("telling",))


class Opened:
    """A library as a fresh process would open it."""

    def __init__(self, folder: Path, file: Path, *, puts: int = 1) -> None:
        self.family, registry = Family(), Registry()
        for _ in range(puts):
            registry.put("tellers", Offers(families=[self.family]))
        self.library = ModelLibrary([folder], registry, index=LibraryIndex(file))


@pytest.fixture
def reads(monkeypatch):
    """Files that are read, in order."""
    found: list[str] = []
    original = catalogue_module.read_model
    monkeypatch.setattr(catalogue_module, "read_model", lambda it: found.append(it.path.name) or original(it))
    return found


def test_the_next_process_reads_and_asks_nothing_again(tmp_path, write_gguf, write_onnx, reads):
    folder, file = tmp_path / "models", tmp_path / "library.db"
    write_gguf("a.gguf", folder=folder, tokenizer__chat_template=TEMPLATE)
    write_onnx("b.onnx", folder=folder)
    (folder / "bad.gguf").write_text("just text")
    first = Opened(folder, file)
    before = first.library.scan()
    first.library.close()
    reads.clear()
    second = Opened(folder, file)
    assert second.library.scan() == before
    assert (reads, second.family.asked) == ([], [])
    assert before[0].tasks == ("telling",)
    entry = second.library.entry("a")
    assert second.library.templates()[entry.known.row.template] == TEMPLATE
    assert second.library.facts(entry) == first.family.asked[0]
    assert [path.name for path, _ in second.library.broken] == ["bad.gguf"]
    assert second.library.refused[0].error.remedy == first.library.refused[0].error.remedy


def test_other_plugins_are_asked_with_what_is_kept(tmp_path, write_gguf, reads):
    folder, file = tmp_path / "models", tmp_path / "library.db"
    write_gguf("a.gguf", folder=folder)
    first = Opened(folder, file)
    first.library.scan()
    reads.clear()
    second = Opened(folder, file, puts=2)
    second.library.scan()
    assert (reads, second.family.asked) == ([], first.family.asked)


def test_changed_new_and_removed_files_are_noticed_by_the_next_process(tmp_path, write_gguf, reads):
    folder, file = tmp_path / "models", tmp_path / "library.db"
    for name in ("a.gguf", "b.gguf", "c.gguf"):
        write_gguf(name, folder=folder)
    Opened(folder, file).library.scan()
    reads.clear()
    write_gguf("a.gguf", folder=folder, general__license="MIT")
    (folder / "b.gguf").unlink()
    write_gguf("d.gguf", folder=folder)
    library = Opened(folder, file).library
    assert [it.id for it in library.scan()] == ["a", "c", "d"]
    assert (reads, library.find("a").licence) == (["a.gguf", "d.gguf"], "MIT")
    rows = sqlite3.connect(file).execute("SELECT path FROM models").fetchall()
    assert {Path(path).name for (path,) in rows} == {"a.gguf", "c.gguf", "d.gguf"}


def test_another_program_reads_anew_and_still_knows_since_when(tmp_path, write_gguf, reads, monkeypatch):
    folder, file = tmp_path / "models", tmp_path / "library.db"
    write_gguf("a.gguf", folder=folder)
    first = Opened(folder, file).library
    first.scan()
    reads.clear()
    monkeypatch.setattr(index_module, "program_stamp", lambda: "another")
    second = Opened(folder, file).library
    second.scan()
    assert reads == ["a.gguf"]
    assert second.entry("a").known.row.added_at == first.entry("a").known.row.added_at


def test_a_frozen_program_is_told_from_another_build_of_it(tmp_path, monkeypatch):
    stamp = index_module.program_stamp.__wrapped__
    program = tmp_path / "hearth"
    program.write_bytes(b"modules and all")
    from_source = stamp()
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(index_module, "build_info", lambda: BuildInfo(commit="a"))
    frozen = stamp()
    assert frozen == stamp()
    monkeypatch.setattr(index_module, "build_info", lambda: BuildInfo(commit="b"))
    of_another_commit = stamp()
    program.write_bytes(b"other modules of the same commit")
    assert len({from_source, frozen, of_another_commit, stamp()}) == 4


def test_both_programs_of_an_installation_have_one_stamp(tmp_path, monkeypatch):
    for name, size in (("hearth.exe", 1), ("hearth-window.exe", 2)):
        (tmp_path / name).write_bytes(bytes(size))
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    stamps = set()
    for name in ("hearth.exe", "hearth-window.exe"):
        monkeypatch.setattr(sys, "executable", str(tmp_path / name))
        stamps.add(index_module.program_stamp.__wrapped__())
    assert len(stamps) == 1


@pytest.mark.parametrize("damage", ["header", "middle", "text", "folder", "version", "row"])
def test_a_damaged_index_is_begun_anew(tmp_path, write_gguf, damage):
    folder, file = tmp_path / "models", tmp_path / "library.db"
    for number in range(60):
        write_gguf(f"model-{number:02}.gguf", folder=folder, tokens=[f"<{number}>", *"abc"])
    first = Opened(folder, file).library
    wanted = first.scan()
    first.close()
    harm(file, damage)
    library = Opened(folder, file).library
    assert library.scan() == wanted
    library.close()
    if damage != "folder":  # nothing can be kept where a folder is in the way
        assert Opened(folder, file).library.scan() == wanted
        aside = [it.name for it in tmp_path.iterdir() if it.name.startswith("library.db.corrupt-")]
        assert bool(aside) == (damage in {"header", "middle", "text", "version"})


def harm(file: Path, damage: str) -> None:
    """Damage an index in one way."""
    data = bytearray(file.read_bytes())
    if damage == "folder":
        file.unlink()
        file.mkdir()
    elif damage == "text":
        file.write_text("This is no database. " * 500)
    elif damage in {"version", "row"}:
        database = sqlite3.connect(file)
        database.execute("PRAGMA user_version=99" if damage == "version" else "UPDATE models SET row = '[1,'")
        database.commit()
        database.close()
    else:
        start = 0 if damage == "header" else 4096
        data[start : start + 4096 * (1 if damage == "header" else 6)] = os.urandom(
            4096 * (1 if damage == "header" else 6)
        )
        file.write_bytes(data)


def test_two_processes_share_one_index(tmp_path, write_gguf, reads):
    one, two, file = tmp_path / "one", tmp_path / "two", tmp_path / "library.db"
    write_gguf("a.gguf", folder=one)
    write_gguf("b.gguf", folder=two)
    libraries = [Opened(folder, file).library for folder in (one, two)]
    assert [[it.id for it in library.scan()] for library in libraries] == [["a"], ["b"]]
    reads.clear()
    for folder in (one, two):
        Opened(folder, file).library.scan()
    assert reads == []  # neither has dropped what the other one found
