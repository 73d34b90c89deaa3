"""`hearth models rm, tag, rename, favourite, folders`, and what `list` and `inspect` say of it."""

from pathlib import Path

import pytest

from tests.engine.tasks.library import STARTER, copied


def test_names_tags_and_favourites_are_kept(hearth):
    assert "“Mine”" in hearth("models", "rename", "plain", "Mine").out
    assert hearth("models", "tag", "plain", "small", "for tests").code == 0
    assert "a favourite" in hearth("models", "favourite", "plain").out
    shown = hearth("models", "inspect", "plain").out
    assert "small, for tests" in shown
    assert "plain ★" in hearth("models", "list").out
    (row,) = [it for it in hearth("models", "list", "--json").document["models"] if it["id"] == "plain"]
    assert (row["title"], row["tags"], row["is_favourite"]) == ("Mine", ["small", "for tests"], True)
    assert (row["origin"], row["trust"], row["quantization"]) == ("own", "untried", "Q8_0")
    document = hearth("models", "favourite", "plain", "--off", "--json").document
    assert document == {"id": "plain", "title": "Mine", "tags": ["small", "for tests"], "is_favourite": False}
    assert hearth("models", "tag", "plain", "--json").document["tags"] == []
    assert hearth("models", "rename", "nothing", "x").code == 1


def test_a_list_can_say_whether_models_fit(hearth):
    assert "fits" in hearth("models", "list", "--fit").out
    found = hearth("models", "list", "--fit", "--json").document["models"]
    assert {it["fit"] for it in found} == {"fits"}
    assert "fit" not in hearth("models", "list", "--json").document["models"][0]


def test_a_model_is_deleted_only_when_that_is_meant(hearth, home):
    path = home / "models" / "plain.gguf"
    asked = hearth("models", "rm", "plain", "--permanently")
    assert (asked.code, asked.out, path.exists()) == (2, "", True)
    assert "--yes" in asked.err
    document = hearth("models", "rm", "plain", "--permanently", "--yes", "--json").document
    assert document == {"removed": [str(path)], "permanently": True}
    assert not path.exists()
    assert hearth("models", "rm", "plain", "--yes").code == 1


def test_a_model_goes_to_the_trash(hearth, home, monkeypatch):
    gone: list[Path] = []
    monkeypatch.setattr("send2trash.send2trash", lambda path: gone.append(path) or path.unlink())
    ended = hearth("models", "rm", "plain", "-y")
    assert (ended.code, gone) == (0, [home / "models" / "plain.gguf"])
    assert "put into the trash" in ended.out


def test_what_is_not_ours_stays(hearth):
    ended = hearth("models", "rm", "starter", "--yes")
    assert (ended.code, ended.out) == (1, "")
    assert "came with Hearth" in ended.err


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of another program."""
    monkeypatch.setenv("HEARTH_FOREIGN_HOME", str(tmp_path))
    return copied(STARTER, tmp_path / ".lmstudio" / "models" / "owner" / "name" / "theirs.gguf")


def test_models_of_other_programs_are_listed_and_their_folders_too(hearth, home, theirs):
    assert "lm-studio" in hearth("models", "list").out
    assert "owner/name" in hearth("models", "inspect", "theirs").out
    ended = hearth("models", "folders")
    assert (ended.code, "lm-studio" in ended.out) == (0, True)
    found = {it["origin"]: it for it in hearth("models", "folders", "--json").document["folders"]}
    assert found["lm-studio"]["models"] == 1
    assert (found["own"]["models"], found["own"]["broken"]) == (3, 0)
    (home / "engine.toml").write_text('used_in_place = ["ollama"]\n')
    assert "Left out by the setting used_in_place: lm-studio." in hearth("models", "folders").out
    assert hearth("models", "inspect", "theirs").code == 1


def test_a_model_of_another_program_runs_by_its_name(hearth, theirs):
    ended = hearth("run", "theirs", "Hello", "--max-tokens", "8", "--no-cache")
    assert (ended.code, ended.err) == (0, "")
    speeds = [it["tokens_per_s"] for it in hearth("models", "list", "--json").document["models"]]
    assert [speed is not None for speed in speeds].count(True) == 1
