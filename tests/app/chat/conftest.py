"""The chat page over a real engine with a scripted backend, on Qt's event loop."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from app.chat import ChatController, ChatPage
from app.tasks import Tasks
from app.theme import Appearance
from engine import Accepts, Engine, EngineConfig, ModelInfo
from engine.testing import FakeBackend, FakeLibrary

CHAT = frozenset({Accepts.MESSAGES, Accepts.PROMPT})
TIMEOUT_S = 10


class Library(FakeLibrary):
    """Models that need no file."""

    def __init__(self) -> None:
        starter = ModelInfo(
            id="starter",
            path=Path("/nowhere/starter.gguf"),
            format="gguf",
            name="starter",
            architecture="fake",
            size_bytes=1000,
            context_tokens=64,
            accepts=CHAT,
        )
        plain = frozenset({Accepts.PROMPT})
        super().__init__(
            [
                replace(starter, id="alpha", context_tokens=4096),
                replace(starter, id="plain", accepts=plain),
                starter,
                replace(starter, id="reader", accepts=frozenset({Accepts.IMAGE})),
            ]
        )


class Bench:
    """A page with everything behind it."""

    def __init__(self, home: Path, backend: FakeBackend) -> None:
        self.backend = backend
        self.errors: list[Exception] = []
        self.failures: list[Any] = []
        self.engine = Engine(EngineConfig(home=home, probe_files=False), backends={"gguf": backend})
        self.library = self.engine._library = Library()
        self.tasks = Tasks(self.errors.append)
        self.controller = ChatController(self.engine, self.tasks)
        self.controller.failed.connect(self.failures.append)
        self.appearance = Appearance("light")
        self.page = ChatPage(self.appearance, self.controller)
        self.page.resize(1208, 768)

    @property
    def session(self) -> Any:
        return self.controller.session

    @property
    def texts(self) -> list[str]:
        return [turn.text for turn in self.session.transcript.turns]

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop run until something holds."""
        async with asyncio.timeout(TIMEOUT_S):
            while not condition():  # noqa: ASYNC110 - conditions come from Qt, not from events
                await asyncio.sleep(0.001)

    async def ask(self, text: str) -> None:
        """Send a message and wait for the end of the answer."""
        assert self.controller.send(text)
        await self.settled()

    async def settled(self) -> None:
        await self.until(lambda: not self.session.is_busy and self.page.transcript.is_settled)

    async def __aenter__(self) -> "Bench":
        self.page.show()
        self.engine.open()
        self.controller.open()
        await self.until(lambda: self.controller.choices.current)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.controller.close()
        await self.tasks.close()
        await self.engine.close()
        self.page.hide()
        self.page.deleteLater()
        self.controller.deleteLater()
        assert self.errors == []


@pytest.fixture
def bench(tmp_path: Path, qapp: QApplication) -> Bench:
    """Enter it inside `run`."""
    return Bench(tmp_path, FakeBackend())


@pytest.fixture
def make_bench(tmp_path: Path, qapp: QApplication) -> Callable[..., Bench]:
    """Make benches that share a home, one after the other."""

    def make(**backend: Any) -> Bench:
        return Bench(tmp_path, FakeBackend(**backend))

    return make


@pytest.fixture
def appearance(qapp: QApplication) -> Appearance:
    return Appearance("dark")
