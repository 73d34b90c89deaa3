"""The Models page over a library whose every state can be reached; and over a real engine."""

from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QMainWindow

from app.models import ModelsControllers, ModelsPage
from app.tasks import Tasks
from app.theme import Appearance
from engine import ModelCard
from tests.app.models.discover_stage import DiscoverStage
from tests.app.models.fake_engine import FakeEngine
from tests.app.models.finds import FakeHub
from tests.app.models.staged import (
    BIG,
    BROKEN,
    FOLDERS,
    MOCKED,
    RECOMMENDED,
    REFUSED,
    REPORTS,
    TEMPLATE,
    card,
)
from tests.app.page_bench import PageBench


class Bench(PageBench):
    """A page with everything behind it, in a window; enter it on Qt's loop."""

    def __init__(self, engine: Any, width: int = 1208) -> None:
        self.engine = engine
        self.kept: list[dict[str, tuple[str, ...]]] = []
        self.errors: list[Exception] = []
        self.tasks = Tasks(self.errors.append)
        uses = {BIG.info.id: ("Chosen in Chat",), "starter": ("Chosen in Chat",)}
        self.controllers = ModelsControllers(
            engine, self.tasks, lambda settings: self.kept.append(dict(settings)), lambda model: uses.get(model, ())
        )
        self.appearance = Appearance("light")
        self.page = ModelsPage(self.appearance, self.controllers)
        self.window = QMainWindow()
        self.window.setCentralWidget(self.page)
        self.window.resize(width, 768)

    @property
    def board(self):
        return self.page.board

    @property
    def table(self):
        return self.page.board.installed.table

    @property
    def pane(self):
        return self.page.board.pane

    @property
    def titles(self) -> list[str]:
        model = self.table.model
        return [model.entry(at).title for at in range(model.rowCount())]

    def choose(self, model: str) -> None:
        self.table.choose(model)

    async def settled(self) -> None:
        """Wait until nothing is under way, and all that was done is shown."""
        installed = self.controllers.installed
        await self.until(lambda: self.tasks.count == 0)
        installed.look()
        await self.until(
            lambda: (
                self.tasks.count == 0
                and not installed._flush.isActive()
                and (self.pane.is_complete or not self.pane.shown_id)
            )
        )

    async def __aenter__(self) -> "Bench":
        self.window.show()
        self.window.activateWindow()
        await self.until(self.window.isActiveWindow)
        self.controllers.open()
        await self.until(lambda: self.controllers.installed.is_known)
        await self.until(lambda: self.pane.shown_id or not self.board.parts.is_wide)
        await self.settled()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.controllers.close()
        await self.tasks.close()
        self.window.hide()
        self.window.deleteLater()
        self.controllers.deleteLater()
        assert self.errors == []


class Staged:
    """Cards and folders of the mock-up, by name, and what tests make of them."""

    mocked, folders, reports, recommended, template = MOCKED, FOLDERS, REPORTS, RECOMMENDED, TEMPLATE
    big, coder, llama, too_big, starter, reader, embedder = MOCKED
    refused, broken = REFUSED, BROKEN
    engine = FakeEngine
    card = staticmethod(card)
    bench = Bench


@pytest.fixture
def staged() -> type[Staged]:
    return Staged


@pytest.fixture
def make_bench(qapp: QApplication) -> Callable[..., Bench]:
    def make(*cards: ModelCard, width: int = 1208) -> Bench:
        return Bench(FakeEngine(*(cards or MOCKED)), width)

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


@pytest.fixture
def shown(run: Callable[..., None], bench: Bench, dressed: Callable[[Appearance], None]) -> Callable[..., None]:
    """Run a check on the page with the models of the mock-up, the largest chosen."""

    def show(check: Callable[[Bench], Any]) -> None:
        async def body() -> None:
            dressed(bench.appearance)
            async with bench:
                bench.choose(BIG.info.id)
                await bench.settled()
                result = check(bench)
                if result is not None:
                    await result

        run(body())

    return show


@pytest.fixture
def on_discover(run: Callable[..., None], dressed: Callable[..., None]) -> Callable[..., None]:
    """Run a check on Discover."""

    def show(check: Callable[[DiscoverStage], Any], hub: FakeHub | None = None, width: int = 1208) -> None:
        async def body() -> None:
            stage = DiscoverStage(hub or FakeHub(), width)
            dressed(stage.appearance)
            async with stage:
                await check(stage)

        run(body())

    return show
