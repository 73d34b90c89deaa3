import json
from pathlib import Path

import pytest

from engine.bench.random_model import write_random_gguf

pytestmark = pytest.mark.models


def test_an_answer_is_printed(hearth) -> None:
    ended = hearth("run", "plain", "hello", "--max-tokens", 12, "--temperature", 0)
    assert ended.code == 0
    assert ended.out.endswith("\n")
    assert len(ended.out.strip()) > 0
    assert ended.err == ""


def test_json_is_one_document_with_everything(hearth) -> None:
    ended = hearth("run", "plain", "hello", "--max-tokens", 7, "--seed", 3, "--json")
    assert ended.code == 0
    document = ended.document
    assert document["model"] == "plain"
    assert document["usage"] == {"prompt_tokens": 6, "cached_tokens": 0, "output_tokens": 7}
    assert document["finish_reason"] == "length"
    assert document["seed"] == 3
    assert document["placement"]["device"] == "cpu"
    assert document["timings"]["total_s"] > 0


def test_the_same_seed_gives_the_same_text_streamed_or_not(hearth) -> None:
    arguments = ("run", "plain", "hello", "--max-tokens", 12, "--seed", 5)
    first = hearth(*arguments).out
    assert hearth(*arguments, "--no-stream").out == first
    assert hearth(*arguments, "--json").document["text"] == first[:-1]
    assert hearth("run", "plain", "hello", "--max-tokens", 12, "--seed", 6).out != first


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_the_prompt_comes_from_standard_input(hearth, arguments: tuple[str, ...]) -> None:
    ended = hearth("run", "plain", *arguments, "--max-tokens", 2, "--json", stdin="hello\n")
    assert ended.document["usage"]["prompt_tokens"] == 6


def test_a_chat_model_gets_messages(hearth) -> None:
    plain = hearth("run", "chatty", "x", "--max-tokens", 1, "--json").document["usage"]["prompt_tokens"]
    longer = hearth("run", "chatty", "x", "--system", "y", "--max-tokens", 1, "--json").document["usage"]
    assert longer["prompt_tokens"] > plain > len("user: x")


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_an_empty_prompt_is_wrong_use(hearth, prompt: str) -> None:
    for ended in (hearth("run", "plain", prompt), hearth("run", "plain", stdin=prompt)):
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith("The prompt is empty.")


def test_undecodable_input_is_read_as_far_as_possible(hearth) -> None:
    assert hearth("run", "plain", "--max-tokens", 1, stdin=b"\xff\xfehello\x80").code == 0


def _text_file(folder: Path) -> Path:
    (folder / "text.gguf").write_text("This is no model.")
    return folder / "text.gguf"


def _cut_file(folder: Path) -> Path:
    write_random_gguf(folder / "whole.gguf", "tiny", "q8_0")
    (folder / "cut.gguf").write_bytes((folder / "whole.gguf").read_bytes()[:400_000])
    return folder / "cut.gguf"


def _empty_file(folder: Path) -> Path:
    (folder / "empty.gguf").touch()
    return folder / "empty.gguf"


def _unknown_architecture(folder: Path) -> Path:
    write_random_gguf(folder / "new.gguf", "tiny", "q8_0", architecture="llamarama")
    return folder / "new.gguf"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda folder: folder / "missing.gguf", "missing.gguf"),
        (lambda folder: "nothing-of-this-name", "nothing-of-this-name"),
        (lambda folder: folder, "folder"),
        (_text_file, "text"),
        (_cut_file, "incomplete"),
        (_empty_file, "empty"),
        (_unknown_architecture, "llamarama"),
    ],
)
def test_a_bad_model_is_one_sentence_and_a_remedy(hearth, tmp_path: Path, make, said: str) -> None:
    for arguments in ((), ("--json",)):
        ended = hearth("run", make(tmp_path), "hello", *arguments)
        assert (ended.code, ended.out) == (1, "")
        assert said in ended.err
        assert len(ended.err.strip().splitlines()) == 1


def test_a_prompt_longer_than_the_context_is_refused_with_the_numbers(hearth) -> None:
    ended = hearth("run", "plain", stdin="a" * 5000)
    assert (ended.code, ended.out) == (1, "")
    assert "5,001" in ended.err
    assert "2,048" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--image", "photo.png"), "cannot see images"),
        (("--system", "Be brief."), "no chat template"),
        (("--schema", '{"type": 1}'), "schema"),
        (("--schema", '{"type":'), "JSON"),
    ],
)
def test_what_the_model_cannot_do_is_said(hearth, arguments: tuple[str, ...], said: str) -> None:
    ended = hearth("run", "plain", "hello", *arguments)
    assert (ended.code, ended.out) == (1, "")
    assert said in ended.err


def test_a_schema_binds_the_answer(hearth, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "boolean"}')
    for given in (schema, schema.read_text()):
        ended = hearth("run", "plain", "hello", "--schema", given, "--no-stream")
        assert ended.code == 0
        assert isinstance(json.loads(ended.out), bool)


def test_a_grammar_binds_the_answer(hearth, tmp_path: Path) -> None:
    (tmp_path / "g.gbnf").write_text('root ::= "yes" | "no"')
    assert hearth("run", "plain", "hello", "--grammar", tmp_path / "g.gbnf").out.strip() in ("yes", "no")


@pytest.mark.parametrize("place", ["before", "after", "joined"])
def test_model_dir_is_searched_wherever_it_is_written(hearth, tmp_path: Path, place: str) -> None:
    folder = tmp_path / "more models"
    folder.mkdir()
    write_random_gguf(folder / "other.gguf", "tiny", "q4_0")
    command = ("run", "other", "hello", "--max-tokens", 1)
    arguments = {
        "before": ("--model-dir", folder, *command),
        "after": (*command, "--model-dir", folder),
        "joined": (*command, f"--model-dir={folder}"),
    }[place]
    assert hearth(*command).code == 1
    assert hearth(*arguments).code == 0
