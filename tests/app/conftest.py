"""What the tests of all pages share."""

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import qasync
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication


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
