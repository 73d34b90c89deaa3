import builtins
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cli.conversation import converse
from engine.cli.session import Session
from engine.config import EngineConfig
from engine.engine import Engine
from engine.testing import FakeBackend, FakeTextModel
from engine.types import GenerateRequest


@pytest.fixture
def talk(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Hold a conversation with a scripted model; returns what the model was sent, request by request."""

    def talk(*lines: str | BaseException, system_text: str | None = None, **fields: object) -> list[list[str]]:
        backend = FakeBackend(script=("Hello", "."))
        engine = Engine(replace(EngineConfig(home=home), **fields), backends={"gguf": backend})
        monkeypatch.setattr(Session, "engine", lambda _: engine)
        coming = iter(lines)

        def read(_: str) -> str:
            line = next(coming, EOFError())
            if isinstance(line, BaseException):
                raise line
            return line

        monkeypatch.setattr(builtins, "input", read)
        converse(Session(), engine.model("chatty"), GenerateRequest(model="chatty"), system_text)
        return _sent(backend)

    return talk


def _sent(backend: FakeBackend) -> list[list[str]]:
    (model,) = backend.models or (None,)
    assert isinstance(model, FakeTextModel)
    return [[message.content for message in sequence.prompt.request.messages] for sequence in model.admitted]


def test_the_history_grows_turn_by_turn(talk, capsys: pytest.CaptureFixture[str]) -> None:
    assert talk("one", "two") == [["one"], ["one", "Hello.", "two"]]
    assert capsys.readouterr().out == "Hello.\nHello.\n\n"


def test_clear_forgets_but_keeps_the_system_message(talk) -> None:
    assert talk("one", "/clear", "two", "/exit", "three", system_text="brief") == [["brief", "one"], ["brief", "two"]]


def test_empty_lines_ask_nothing(talk) -> None:
    assert talk("", "  ", "one") == [["one"]]


def test_ctrl_c_at_the_prompt_ends_the_chat_and_closes_the_engine(talk) -> None:
    with pytest.raises(KeyboardInterrupt):
        talk("one", KeyboardInterrupt())


def test_a_failed_turn_is_said_and_left_out(talk, capsys: pytest.CaptureFixture[str]) -> None:
    assert talk("word " * 30, "two", context_tokens=16) == [["two"]]
    assert "the context holds 16" in capsys.readouterr().err
