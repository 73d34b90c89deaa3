"""Discover over a hub that is nothing but values, in a window."""

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.models.discover_controller import DiscoverController
from app.models.discover_model import FIND_ROLE
from app.models.discover_view import DiscoverView
from tests.app.models.finds import FakeHub, Stage


class DiscoverStage(Stage):
    """Discover over a hub, in a window."""

    def __init__(self, hub: FakeHub, width: int) -> None:
        super().__init__()
        self.hub = hub
        self.controller = DiscoverController(hub, self.tasks)
        self.view = DiscoverView(self.appearance, self.controller)
        self.show(self.view, width)
        self.closers.append(lambda: self.controller.watch(False))

    async def __aenter__(self) -> "DiscoverStage":
        await self.until(lambda: self.controller.is_loaded)
        await self.settled()
        return self

    @property
    def pane(self) -> Any:
        return self.view.pane

    @property
    def titles(self) -> list[str]:
        model = self.view.list.model
        rows = [model.index(at) for at in range(model.rowCount())]
        return [row.data() if row.data(FIND_ROLE) is not None else f"- {row.data()}" for row in rows]

    def words(self) -> str:
        return self.said(self.view)

    def search(self, text: str) -> None:
        self.view.filters.search.setText(text)
        QTest.keyClick(self.view.filters.search, Qt.Key.Key_Return)
