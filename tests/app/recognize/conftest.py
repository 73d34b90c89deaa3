"""The recognize page over a real engine with a scripted backend."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication

from app.recognize import RecognizeController, RecognizePage
from app.tasks import Tasks
from app.theme import Appearance
from engine import Accepts, Engine, EngineConfig, ModelInfo
from engine.testing import FakeBackend, FakeLibrary

TIMEOUT_S = 10
READER = ModelInfo(
    id="reader",
    path=Path("/nowhere/reader.onnx"),
    format="onnx",
    name="reader",
    architecture="onnx",
    size_bytes=1000,
    accepts=frozenset({Accepts.IMAGE}),
)


class Library(FakeLibrary):
    """Models that need no file."""

    def __init__(self) -> None:
        labels = frozenset({Accepts.IMAGE})
        super().__init__(
            [
                replace(READER, id="animals", accepts=labels),
                READER,
                replace(READER, id="starter", accepts=frozenset({Accepts.MESSAGES})),
            ]
        )


class Bench:
    """A page with everything behind it; enter it on Qt's loop."""

    def __init__(self, home: Path, backend: FakeBackend, preferred_model: str = "") -> None:
        self.home = home
        self.backend = backend
        self.errors: list[Exception] = []
        self.failures: list[tuple[str, str]] = []
        self.engine = Engine(EngineConfig(home=home, probe_files=False), backends={"onnx": backend})
        self.library = Library()
        self.engine._library = self.library
        self.tasks = Tasks(self.errors.append)
        self.controller = RecognizeController(self.engine, self.tasks, preferred_model)
        self.controller.failed.connect(lambda cause, remedy: self.failures.append((cause, remedy)))
        self.appearance = Appearance("light")
        self.page = RecognizePage(self.appearance, self.controller)
        self.page.resize(1208, 768)

    @property
    def summaries(self) -> list[str]:
        return [picture.summary for picture in self.controller.batch]

    async def until(self, condition: Callable[[], object]) -> None:
        """Let the loop run until something holds."""
        async with asyncio.timeout(TIMEOUT_S):
            while not condition():  # noqa: ASYNC110 - conditions come from Qt, not from events
                await asyncio.sleep(0.001)

    async def all_ended(self, count: int) -> None:
        await self.until(lambda: self.controller.progress == (count, count))

    async def __aenter__(self) -> "Bench":
        self.page.show()
        self.engine.open()
        self.controller.open()
        await self.until(lambda: self.controller.models)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.tasks.close()
        self.controller.close()
        await self.engine.close()
        self.page.hide()
        self.page.deleteLater()
        self.controller.deleteLater()
        assert self.errors == []


@pytest.fixture
def bench(tmp_path: Path, qapp: QApplication) -> Bench:
    return Bench(tmp_path, FakeBackend())


@pytest.fixture
def make_bench(tmp_path: Path, qapp: QApplication) -> Callable[..., Bench]:
    def make(preferred_model: str = "", **backend: Any) -> Bench:
        return Bench(tmp_path, FakeBackend(**backend), preferred_model)

    return make


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Twelve small pictures of different colours."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    paths = [folder / f"picture-{number:02}.png" for number in range(12)]
    for number, path in enumerate(paths):
        image = QImage(320, 64, QImage.Format.Format_RGB32)
        image.fill(QColor.fromHsl(number * 29, 120, 128))
        assert image.save(str(path))
    return paths
