"""Forms on Qt's event loop, with every kind of field."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import qasync
from PySide6.QtWidgets import QApplication

from app.theme import Appearance
from engine import Accepts, Field, Kind, ModelInfo


@pytest.fixture
def appearance(qapp: QApplication) -> Appearance:
    return Appearance("light")


@pytest.fixture
def run(qapp: QApplication) -> Iterator[Callable[[Coroutine[Any, Any, None]], None]]:
    """Run a coroutine on Qt's event loop."""

    def run_it(coro: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(qapp)) as runner:
            runner.run(coro)

    return run_it


@pytest.fixture
def fields() -> tuple[Field, ...]:
    return (
        Field(name="text", title="Text", help="What it is about.", most=20),
        Field(name="notes", title="Notes", multiline=True, required=False),
        Field(name="count", title="Count", kind=Kind.INTEGER, default=3, least=1, most=10),
        Field(name="share", title="Share", kind=Kind.NUMBER, required=False, least=0, most=1),
        Field(name="loud", title="Loud", kind=Kind.FLAG, default=False),
        Field(name="length", title="Length", kind=Kind.CHOICE, choices=("short", "long"), default="short"),
        Field(name="style", title="Style", kind=Kind.CHOICE, choices=tuple("abcdef")),
        Field(name="file", title="File", kind=Kind.FILE, suffixes=(".txt",)),
        Field(name="model", title="Model", kind=Kind.MODEL, accepts="messages"),
        Field(name="models", title="Models", kind=Kind.MODELS, accepts="messages"),
    )


@pytest.fixture
def models() -> tuple[ModelInfo, ...]:
    chat = ModelInfo(
        id="alpha",
        path=Path("/nowhere/alpha.gguf"),
        format="gguf",
        name="Alpha",
        architecture="fake",
        size_bytes=1,
        accepts=frozenset({Accepts.MESSAGES}),
    )
    return (chat, replace(chat, id="beta"), replace(chat, id="eye", accepts=frozenset({Accepts.IMAGE})))
