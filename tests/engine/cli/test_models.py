from pathlib import Path

from engine.bench.random_model import write_random_gguf


def test_list_names_models_and_what_is_broken(hearth, home: Path) -> None:
    (home / "models" / "broken.gguf").write_text("This is no model.")
    ended = hearth("models", "list")
    assert ended.code == 0
    assert "chatty" in ended.out
    assert "broken.gguf" in ended.out
    document = hearth("models", "list", "--json").document
    found = {model["id"]: model for model in document["models"]}
    assert found["chatty"]["tasks"] == ["chat", "completion"]
    assert found["vectors"]["tasks"] == ["embedding"]
    assert found["plain"]["quantization"] == "Q8_0"
    assert [Path(broken["path"]).name for broken in document["broken"]] == ["broken.gguf"]


def test_inspect_shows_the_header(hearth) -> None:
    ended = hearth("models", "inspect", "plain")
    assert ended.code == 0
    assert "general.license" in ended.out
    document = hearth("models", "inspect", "plain", "--json").document
    assert document["model"]["parameters"] > 1_000_000
    assert document["metadata"]["tokenizer.ggml.tokens"] == "512 texts"
    assert document["metadata"]["llama.block_count"] == 2
    assert document["tensors"] == 3 + 2 * 9


def test_a_files_own_words_are_not_markup(hearth, tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    write_random_gguf(path, "tiny", "q8_0", extra={"general.name": "[/red] name", "general.tag": "[link=x]"})
    ended = hearth("models", "inspect", path)
    assert ended.code == 0
    assert "[/red] name" in ended.out
    assert "[link=x]" in ended.out


def test_inspect_of_a_missing_model(hearth) -> None:
    ended = hearth("models", "inspect", "nothing", "--json")
    assert (ended.code, ended.out) == (1, "")
    assert "nothing" in ended.err
