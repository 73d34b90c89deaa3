"""ModelLibrary: what lies in folders, under names that people can use."""

import os
from pathlib import Path

import pytest

import engine.models.model_file as file_module
from engine.errors import ModelFileError, ModelNotFoundError
from engine.models.library import ModelLibrary
from engine.plugins.contract.models import ModelFacts, Recognition, TextFormat
from engine.plugins.offers import Offers
from engine.plugins.registry import Registry
from engine.types import Accepts


class Family:
    """Takes models of one architecture and counts how often it is asked."""

    id = "family"

    def __init__(self, architecture: str, *tasks: str) -> None:
        self.architecture = architecture
        self.tasks = tasks
        self.asked: list[ModelFacts] = []

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        self.asked.append(facts)
        if facts.architecture != self.architecture:
            return None
        return Recognition(accepts=frozenset({Accepts.PROMPT}), tasks=self.tasks)

    def open(self, facts: ModelFacts) -> TextFormat:
        raise NotImplementedError


def test_models_of_both_formats_are_listed_by_id(tmp_path, write_gguf, write_onnx):
    write_gguf("Zebra.Q4_0.gguf")
    write_onnx("ant.onnx")
    write_gguf("deep.gguf", folder=tmp_path / "a" / "b")
    write_gguf("too-deep.gguf", folder=tmp_path / "a" / "b" / "c")
    write_gguf("hidden.gguf", folder=tmp_path / ".cache")
    (tmp_path / "notes.txt").write_text("x")
    models = ModelLibrary([tmp_path]).scan()
    assert [model.id for model in models] == ["ant", "deep", "zebra.q4_0"]
    assert [model.format for model in models] == ["onnx", "gguf", "gguf"]


def test_missing_and_repeated_folders_are_fine(tmp_path, write_gguf):
    write_gguf()
    library = ModelLibrary([tmp_path / "nowhere", tmp_path, tmp_path, tmp_path / "x" / ".."])
    assert [model.id for model in library.scan()] == ["small"]
    assert ModelLibrary([]).scan() == ()


def test_equal_names_become_different_ids_and_earlier_folders_keep_theirs(tmp_path, write_gguf):
    for folder in ("one", "two", "three"):
        write_gguf("same.gguf", folder=tmp_path / folder)
    library = ModelLibrary([tmp_path / "two", tmp_path / "one", tmp_path / "three"])
    found = {model.id: model.path.parent.name for model in library.scan()}
    assert found == {"same": "two", "same-2": "one", "same-3": "three"}
    assert found == {model.id: model.path.parent.name for model in library.scan()}


def test_a_file_called_just_model_is_named_after_its_folder(tmp_path, write_onnx):
    write_onnx("model.onnx", folder=tmp_path / "Mini-LM" / "onnx")
    write_onnx("model.onnx", folder=tmp_path / "Cats")
    assert [(model.id, model.name) for model in ModelLibrary([tmp_path]).scan()] == [
        ("cats", "cats"),
        ("mini-lm", "mini-lm"),
    ]


def test_broken_files_are_left_out_and_explained(tmp_path, write_gguf):
    write_gguf("good.gguf")
    (tmp_path / "bad.gguf").write_text("just text")
    (tmp_path / "empty.onnx").write_bytes(b"")
    library = ModelLibrary([tmp_path])
    assert [model.id for model in library.scan()] == ["good"]
    assert [path.name for path, _ in library.broken] == ["bad.gguf", "empty.onnx"]
    assert "not a GGUF model but a text file" in library.broken[0][1]
    with pytest.raises(ModelFileError, match="text file"):
        library.find("bad")
    (tmp_path / "bad.gguf").unlink()
    library.scan()
    assert [path.name for path, _ in library.broken] == ["empty.onnx"]


def test_a_file_is_read_again_only_when_it_changed(tmp_path, write_gguf, monkeypatch):
    path = write_gguf()
    reads: list[Path] = []
    original = file_module.read_header
    monkeypatch.setattr(file_module, "read_header", lambda path: reads.append(path) or original(path))
    library = ModelLibrary([tmp_path])
    library.scan()
    library.scan()
    assert reads == [path]
    os.utime(path, ns=(1, 1))
    library.scan()
    assert reads == [path, path]


def test_what_can_be_done_with_a_model_is_what_the_plugins_say(tmp_path, write_gguf):
    write_gguf("a.gguf", architecture="llama")
    write_gguf("b.gguf", architecture="shout")
    registry, family = Registry(), Family("shout", "shouting")
    library = ModelLibrary([tmp_path], registry)
    assert {model.accepts for model in library.scan()} == {frozenset()}
    registry.put("shouters", Offers(families=[family]))
    quiet, loud = library.scan()
    assert (quiet.accepts, quiet.tasks, quiet.plugins) == (frozenset(), (), ())
    assert (loud.accepts, loud.tasks, loud.plugins) == ({Accepts.PROMPT}, ("shouting",), ("shouters",))
    assert library.find(str(tmp_path / "b.gguf")).plugins == ("shouters",)
    registry.drop("shouters")
    assert library.find("b").plugins == ()


def test_plugins_are_asked_again_only_when_a_file_or_a_plugin_changed(tmp_path, write_gguf, monkeypatch):
    path = write_gguf("b.gguf", architecture="shout")
    reads: list[Path] = []
    original = file_module.read_header
    monkeypatch.setattr(file_module, "read_header", lambda path: reads.append(path) or original(path))
    registry, family = Registry(), Family("shout")
    registry.put("shouters", Offers(families=[family]))
    library = ModelLibrary([tmp_path], registry)
    library.scan()
    library.scan()
    assert len(family.asked) == 1
    os.utime(path, ns=(1, 1))
    library.scan()
    assert (len(family.asked), len(reads)) == (2, 2)
    registry.put("others", Offers())
    library.scan()
    library.scan()
    assert (len(family.asked), len(reads)) == (3, 2)


def test_plugins_are_not_asked_about_models_that_nothing_can_run(tmp_path, write_gguf):
    write_gguf("pair.gguf", architecture="shout", ARCH__decoder_start_token_id=0)
    registry, family = Registry(), Family("shout")
    registry.put("shouters", Offers(families=[family]))
    (model,) = ModelLibrary([tmp_path], registry).scan()
    assert (model.accepts, family.asked) == (frozenset(), [])


def test_a_file_outside_the_library_is_served_as_well(tmp_path, write_gguf):
    outside = write_gguf("b.gguf", architecture="shout")
    registry = Registry()
    registry.put("shouters", Offers(families=[Family("shout")]))
    assert ModelLibrary([], registry).find(str(outside)).plugins == ("shouters",)


def test_a_changed_card_changes_the_description(tmp_path, write_onnx):
    path = write_onnx()
    library = ModelLibrary([tmp_path])
    assert library.scan()[0].name == "small"
    path.with_suffix(".json").write_text('{"name": "Better"}')
    assert library.scan()[0].name == "Better"


def test_a_split_model_is_one_model_with_the_size_of_all_parts(tmp_path, write_gguf):
    first = write_gguf("big-00001-of-00002.gguf", split__count=2)
    second = write_gguf("big-00002-of-00002.gguf", split__count=2)
    library = ModelLibrary([tmp_path])
    (model,) = library.scan()
    assert (model.id, model.path) == ("big", first)
    assert model.size_bytes == first.stat().st_size + second.stat().st_size
    assert model.parameters is None
    second.unlink()
    with pytest.raises(ModelFileError, match=r"big-00002-of-00002\.gguf is missing"):
        ModelLibrary([tmp_path]).find("big")


def test_a_model_is_found_by_id_in_any_case_and_by_path(tmp_path, write_gguf, monkeypatch):
    path = write_gguf("Some-Model.gguf", folder=tmp_path / "models")
    library = ModelLibrary([tmp_path / "models"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("some-model", "SOME-MODEL", str(path), "models/Some-Model.gguf", "~/models/Some-Model.gguf"):
        assert library.find(name).path == path
        assert library.find(name).id == "some-model"


def test_a_file_outside_the_library_gets_an_id_of_its_own(tmp_path, write_gguf):
    write_gguf("same.gguf", folder=tmp_path / "in")
    outside = write_gguf("same.gguf", folder=tmp_path / "out")
    assert ModelLibrary([tmp_path / "in"]).find(str(outside)).id == "same-2"


def test_what_is_not_there_is_answered_with_what_is(tmp_path, write_gguf):
    library = ModelLibrary([tmp_path])
    with pytest.raises(ModelNotFoundError, match="There are no models yet"):
        library.find("starter")
    write_gguf("starter.gguf")
    write_gguf("other.gguf")
    with pytest.raises(ModelNotFoundError, match=r"No model is called startr\. Did you mean starter\?"):
        library.find("startr")
    with pytest.raises(ModelNotFoundError, match=r"No model is called qqq\. Known are: other, starter\."):
        library.find("qqq")
    with pytest.raises(ModelNotFoundError, match=r"There is no file /no/such\.gguf"):
        library.find("/no/such.gguf")
    for odd in ("", "\0", "x" * 5000, "~nobody-of-that-name/x.gguf"):
        with pytest.raises((ModelNotFoundError, ModelFileError)):
            library.find(odd)
    with pytest.raises(ModelFileError, match="is a folder"):
        library.find(str(tmp_path))
