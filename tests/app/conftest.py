"""What the tests of all pages share."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import qasync
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from app.theme import Appearance, palette_for, stylesheet_for


@pytest.fixture
def run(qapp: QApplication) -> Iterator[Callable[[Coroutine[Any, Any, None]], None]]:
    """Run a coroutine on Qt's event loop; nothing it started may outlive it."""

    def run_it(coro: Coroutine[Any, Any, None]) -> None:
        async def alone() -> None:
            await coro
            assert asyncio.all_tasks() == {asyncio.current_task()}

        with asyncio.Runner(loop_factory=lambda: qasync.QEventLoop(qapp)) as runner:
            runner.run(alone())
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    yield run_it
    gc.collect()  # here, not whenever a thread of the next test happens to: widgets must die on the UI thread


@pytest.fixture
def dressed(qapp: QApplication, tmp_path: Path) -> Iterator[Callable[[Appearance], None]]:
    """Dress the application as the window does; its looks are put back afterwards."""
    sheet, palette, font = qapp.styleSheet(), qapp.palette(), qapp.font()

    def dress(appearance: Appearance) -> None:
        qapp.setPalette(palette_for(appearance.theme))
        qapp.setFont(appearance.theme.font("body"))
        qapp.setStyleSheet(stylesheet_for(appearance.theme, tmp_path / "icons"))

    yield dress
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)
    qapp.setFont(font)
