"""What the benches of pages share: to wait on Qt's loop, and to see what a person sees."""

import asyncio
from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QAbstractButton, QDialog, QLabel, QWidget

from app.theme.widgets import ChoiceDialog

TIMEOUT_S = 30


class PageBench:
    """A page in a window; what is behind it is its subclass's."""

    page: QWidget

    @staticmethod
    def said(widget: QWidget) -> str:
        """All words that can be seen in a widget."""
        parts = [child for child in widget.findChildren(QWidget) if child.isVisibleTo(widget)]
        return "\n".join(part.text() for part in parts if isinstance(part, QLabel | QAbstractButton))

    def dialog(self, kind: type[QDialog] = ChoiceDialog) -> Any:
        """The dialog of a kind that is open; None if there is none."""
        found = [each for each in self.page.findChildren(kind) if each.isVisible()]
        return found[-1] if found else None

    async def until(self, condition: Callable[[], object], within_s: float = TIMEOUT_S) -> None:
        """Let the loop run until something holds."""
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - conditions come from Qt, not from events
                await asyncio.sleep(0.001)
