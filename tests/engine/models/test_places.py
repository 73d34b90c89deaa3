"""Folders of other programs: found where they are, listed as they are, never changed."""

import json
import os
from pathlib import Path

import pytest

from engine.cards import Origin
from engine.models.library import ModelLibrary
from engine.models.places import ForeignPrograms, Surroundings

ALL = ("lm-studio", "ollama", "jan", "hugging-face")


def around(home: Path, platform: str = "linux", **environment: str) -> Surroundings:
    return Surroundings(home, environment, platform, root=home / "root")


def library_in(surroundings: Surroundings, *wanted: str) -> ModelLibrary:
    return ModelLibrary([], others=ForeignPrograms(wanted or ALL, surroundings).used)


def everything_in(folder: Path) -> dict[str, tuple[int, int]]:
    """What must not change."""
    return {str(it): (it.lstat().st_mtime_ns, it.lstat().st_mode) for it in sorted(folder.rglob("*"))}


def test_lm_studio_with_its_repositories(tmp_path, write_gguf):
    folder = tmp_path / ".lmstudio" / "models" / "bartowski" / "Small-GGUF"
    write_gguf("Small-Q4_K_M.gguf", folder=folder)
    write_gguf("mmproj-Small-f16.gguf", folder=folder)
    before = everything_in(tmp_path)
    (entry,) = library_in(around(tmp_path)).entries()
    assert (entry.info.id, entry.found.origin) == ("small-q4_k_m", Origin.LM_STUDIO)
    assert entry.found.repo == "bartowski/Small-GGUF"
    assert everything_in(tmp_path) == before


def test_lm_studio_where_its_pointer_and_its_settings_lead(tmp_path, write_gguf):
    home = tmp_path / "elsewhere"
    write_gguf("a.gguf", folder=home / "models" / "o" / "n")
    write_gguf("b.gguf", folder=tmp_path / "disk" / "o" / "n")
    (tmp_path / ".lmstudio-home-pointer").write_text(f"{home}\n")
    (home / "settings.json").write_text(json.dumps({"downloadsFolder": str(tmp_path / "disk")}))
    assert [it.id for it in library_in(around(tmp_path)).scan()] == ["a", "b"]
    (home / "settings.json").write_text('{"downloadsFolder": ["no", "folder"]}')
    assert [it.id for it in library_in(around(tmp_path)).scan()] == ["a"]
    (home / "settings.json").write_text("[[[[")
    (tmp_path / ".lmstudio-home-pointer").write_text("not/absolute")
    assert library_in(around(tmp_path)).scan() == ()


def test_the_older_folder_of_lm_studio(tmp_path, write_gguf):
    write_gguf("old.gguf", folder=tmp_path / ".cache" / "lm-studio" / "models" / "o" / "n")
    assert [it.id for it in library_in(around(tmp_path)).scan()] == ["old"]


@pytest.mark.parametrize(
    ("platform", "folder"),
    [
        ("linux", ".local/share/Jan/data/llamacpp/models/owner/name"),
        ("linux", "jan/models/name"),
        ("darwin", "Library/Application Support/Jan/data/llamacpp/models/name"),
        ("win32", "AppData/Roaming/Jan/data/llamacpp/models/name"),
    ],
)
def test_jan_on_each_system(tmp_path, write_gguf, platform, folder):
    write_gguf("model.gguf", folder=tmp_path / folder)
    (tmp_path / folder / "model.yml").write_text("name: Name\nmodel_path: /etc/passwd\n")
    (entry,) = library_in(around(tmp_path, platform)).entries()
    assert (entry.info.id, entry.found.origin) == ("name", Origin.JAN)


def test_jan_where_its_settings_lead(tmp_path, write_gguf):
    write_gguf("model.gguf", folder=tmp_path / "big" / "llamacpp" / "models" / "mine")
    settings = tmp_path / "share" / "Jan" / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"data_folder": str(tmp_path / "big")}))
    found = library_in(around(tmp_path, XDG_DATA_HOME=str(tmp_path / "share"))).scan()
    assert [it.id for it in found] == ["mine"]


def make_snapshot(hub: Path, repo: str, commit: str, blobs: dict[str, Path]) -> None:
    """A snapshot as Hugging Face's libraries make it: links to blobs."""
    folder = hub / f"models--{repo.replace('/', '--')}"
    for name, source in blobs.items():
        blob = folder / "blobs" / f"{abs(hash((commit, name))):064x}"[:64]
        blob.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, blob)
        link = folder / "snapshots" / commit / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(commit)


def test_the_cache_of_hugging_face_says_repository_and_commit(tmp_path, write_gguf, write_onnx):
    hub = tmp_path / ".cache" / "huggingface" / "hub"
    make_snapshot(hub, "owner/Small-GGUF", "a" * 40, {"small-q8_0.gguf": write_gguf("x.gguf")})
    graphs = {"onnx/model.onnx": write_onnx("x.onnx"), "onnx/model_int8.onnx": write_onnx("y.onnx")}
    make_snapshot(hub, "owner/Mini", "b" * 40, graphs)
    found = {entry.info.id: entry.found for entry in library_in(around(tmp_path)).entries()}
    assert found.keys() == {"small-q8_0", "mini", "mini-int8"}
    assert (found["small-q8_0"].repo, found["small-q8_0"].revision) == ("owner/Small-GGUF", "a" * 40)
    assert found["mini"].origin is Origin.HUGGING_FACE


def test_of_two_commits_the_newer_one_has_the_plain_id_and_equal_blobs_count_once(tmp_path, write_gguf):
    hub = tmp_path / "hub"
    make_snapshot(hub, "o/n", "a" * 40, {"small.gguf": write_gguf("x.gguf")})
    make_snapshot(hub, "o/n", "b" * 40, {"small.gguf": write_gguf("x.gguf")})
    same = hub / "models--o--n" / "snapshots" / ("c" * 40) / "small.gguf"
    same.parent.mkdir()
    same.symlink_to(os.path.realpath(hub / "models--o--n" / "snapshots" / ("b" * 40) / "small.gguf"))
    found = library_in(around(tmp_path, HF_HUB_CACHE=str(hub))).entries()
    assert [(entry.info.id, entry.found.revision) for entry in found] == [("small", "b" * 40), ("small-2", "a" * 40)]


def test_variables_move_the_cache_of_hugging_face(tmp_path, write_gguf):
    make_snapshot(tmp_path / "a" / "hub", "o/n", "a" * 40, {"a.gguf": write_gguf("x.gguf")})
    make_snapshot(tmp_path / "x" / "huggingface" / "hub", "o/n", "a" * 40, {"b.gguf": write_gguf("x.gguf")})
    assert [it.id for it in library_in(around(tmp_path, HF_HOME=str(tmp_path / "a"))).scan()] == ["a"]
    assert [it.id for it in library_in(around(tmp_path, XDG_CACHE_HOME=str(tmp_path / "x"))).scan()] == ["b"]


def test_only_programs_that_are_wanted_are_searched_and_new_ones_are_noticed(tmp_path, write_gguf):
    write_gguf("one.gguf", folder=tmp_path / ".lmstudio" / "models" / "o" / "n")
    programs = ForeignPrograms(("jan",), around(tmp_path))
    library = ModelLibrary([], others=programs.used)
    assert library.scan() == ()
    assert [source.origin for source in programs.unused()] == [Origin.LM_STUDIO]
    write_gguf("two.gguf", folder=tmp_path / "jan" / "models" / "two")
    assert [it.id for it in library.scan()] == ["two"]


def test_own_models_keep_their_ids_whatever_other_programs_have(tmp_path, write_gguf):
    own = write_gguf("same.gguf", folder=tmp_path / "own")
    write_gguf("same.gguf", folder=tmp_path / ".lmstudio" / "models" / "o" / "n")
    library = ModelLibrary([tmp_path / "own"], others=ForeignPrograms(ALL, around(tmp_path)).used)
    assert {it.id: it.path == own for it in library.scan()} == {"same": True, "same-2": False}


def test_the_process_says_where_to_look(tmp_path, monkeypatch):
    monkeypatch.setenv("HEARTH_FOREIGN_HOME", str(tmp_path))
    assert Surroundings.here() == Surroundings(tmp_path, {})
    monkeypatch.delenv("HEARTH_FOREIGN_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert (Surroundings.here().home, Surroundings.here().root) == (tmp_path, Path("/"))
