import pytest


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("run",),
        ("run", "plain", "hello", "--temperature", "9"),
        ("run", "plain", "hello", "--max-tokens", "0"),
        ("run", "plain", "hello", "--seed", "many"),
        ("run", "plain", "hello", "--grammar", "no-such-file"),
        ("run", "plain", "hello", "--schema", "no-such-file"),
        ("run", "plain", "hello", "--nonsense"),
        ("recognize", "reader"),
        ("models",),
        ("models", "nonsense"),
        ("models", "inspect"),
        ("bench",),
        ("bench", "nonsense"),
        ("bench", "overhead", "nonsense"),
        ("bench", "--shape", "2b"),
        ("bench", "--shape", "1b", "--type", "q9"),
        ("embed", "vectors"),
        ("--model-dir",),
    ],
)
def test_wrong_use_is_two(hearth, arguments: tuple[str, ...]) -> None:
    ended = hearth(*arguments)
    assert ended.code == 2
    assert ended.err or arguments == ("models",)


@pytest.mark.parametrize("command", ["demo", "doctor", "run", "recognize", "embed", "models", "bench"])
def test_every_command_explains_itself(hearth, command: str) -> None:
    ended = hearth(command, "--help")
    assert ended.code == 0
    assert "Usage: " in ended.out
    if command != "models":
        assert "--json" in ended.out


def test_the_version(hearth) -> None:
    ended = hearth("--version")
    assert ended.code == 0
    assert ended.out.startswith("Hearth 0.")


def test_a_wrong_settings_file_is_said(hearth, home) -> None:
    (home / "engine.toml").write_text("context_tokens = 'many'")
    ended = hearth("models", "list")
    assert ended.code == 1
    assert "context_tokens" in ended.err


def test_a_fault_of_ours_is_a_sentence_and_a_log(hearth, home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise LookupError("a fault")

    monkeypatch.setattr("engine.models.library.ModelLibrary.entries", fail)
    monkeypatch.delenv("HEARTH_DEBUG", raising=False)
    ended = hearth("models", "list")
    assert (ended.code, ended.out) == (1, "")
    assert "LookupError: a fault" in ended.err
    monkeypatch.setenv("HEARTH_DEBUG", "1")
    with pytest.raises(LookupError):
        hearth("models", "list")
