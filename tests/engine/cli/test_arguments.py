from pathlib import Path

import pytest

from engine.cli.arguments import ForWindow, for_window, options_first
from engine.errors import InvalidRequestError

COMMANDS = {"run", "models"}


@pytest.mark.parametrize(
    ("arguments", "rest"),
    [
        (["run", "m", "--model-dir", "d"], ["--model-dir", "d", "run", "m"]),
        (["run", "m", "--model-dir=d", "--portable"], ["--model-dir=d", "--portable", "run", "m"]),
        (["run", "--", "--portable"], ["run", "--", "--portable"]),
        (["run", "--model-dir"], ["--model-dir", "run"]),
    ],
)
def test_some_options_may_stand_behind_the_command(arguments: list[str], rest: list[str]):
    assert options_first(arguments) == rest


@pytest.mark.parametrize(
    ("arguments", "rest", "files"),
    [
        ([], [], None),
        (["run", "x"], ["run", "x"], None),
        (["--model-dir", "run", "models"], ["--model-dir", "run", "models"], None),
        (["--window"], ["--window"], None),
        (["--window", "run", "no.gguf"], ["--window"], ("run", "no.gguf")),
        (["--window", "a.gguf", "--safe", "b.gguf"], ["--window", "--safe"], ("a.gguf", "b.gguf")),
        (["--window", "--", "-a.gguf"], ["--window"], ("-a.gguf",)),
        (["--window", "--"], ["--window", "--"], None),
        (["file:///a.gguf"], [], ("file:///a.gguf",)),
        (["unknown"], ["unknown"], None),
        (["nul\0l"], ["nul\0l"], None),
    ],
)
def test_files_for_the_window_are_told_from_commands(arguments: list[str], rest: list[str], files: object):
    assert for_window(arguments, COMMANDS) == (rest, None if files is None else ForWindow(files))


@pytest.mark.parametrize("word", ["unknown.gguf", "no/such", r"no\such"])
def test_a_file_that_is_not_there_is_no_unknown_command(word: str):
    with pytest.raises(InvalidRequestError, match="There is no file"):
        for_window(["--safe", word], COMMANDS)


def test_a_file_that_is_there_is_opened_unless_it_is_called_like_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    for name in ("run", "my.gguf"):
        (tmp_path / name).touch()
    assert for_window(["--safe", "my.gguf"], COMMANDS) == (["--safe"], ForWindow(("my.gguf",)))
    assert for_window(["run"], COMMANDS) == (["run"], None)
