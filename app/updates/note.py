"""UpdateNote: tells once, above the pages, that there is a new version."""

from collections.abc import Callable

from PySide6.QtCore import QObject

from app.theme.widgets import Notice, Notices, Rank
from app.updates.controller import UpdatesController
from engine import Release


class UpdateNote(QObject):
    """Speaks above the pages until it is answered or closed, and about each version once.

    Thread: UI only.
    """

    def __init__(
        self,
        notices: Notices,
        controller: UpdatesController,
        show_more: Callable[[], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._notices = notices
        self._controller = controller
        self._show_more = show_more
        controller.found.connect(self._tell)

    def _tell(self, release: Release) -> None:
        self._notices.put(
            Rank.UPDATE,
            Notice(
                kind="info",
                cause=f"Hearth {release.version} is there.",
                remedy=f"This is Hearth {self._controller.version}. Nothing is downloaded by itself.",
                buttons=(("What is new…", self._answer), ("Skip this version", self._skip)),
            ),
        )

    def _answer(self) -> None:
        self._notices.take_away(Rank.UPDATE)
        self._show_more()

    def _skip(self) -> None:
        self._notices.take_away(Rank.UPDATE)
        self._controller.skip()
