"""ModelsPage: the frame of the page. Its content is built when it is opened for the first time."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.models.controllers import ModelsControllers
from app.models.given_models import GivenModels
from app.theme import Appearance
from app.theme.widgets import WatchingPage

if TYPE_CHECKING:
    from app.models.board import ModelsBoard


class ModelsPage(WatchingPage):
    """The page `models`: it has the controllers look while it can be seen, and only then.

    Attributes:
        controllers: all that is behind it.

    Signals:
        chat_wanted: id of a model to chat with.
        recognize_wanted: id of a model to look at pictures with.

    Thread: UI only.
    """

    chat_wanted = Signal(str)
    recognize_wanted = Signal(str)

    def __init__(self, appearance: Appearance, controllers: ModelsControllers, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._appearance = appearance
        self.controllers = controllers
        self._board: ModelsBoard | None = None
        self._given = GivenModels(controllers, lambda: self.board, self)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)

    @property
    def board(self) -> "ModelsBoard":
        """The content; made when it is first asked for."""
        if self._board is None:
            from app.models.board import ModelsBoard

            self._board = ModelsBoard(self._appearance, self.controllers, self)
            self._board.chat_wanted.connect(self.chat_wanted)
            self._board.recognize_wanted.connect(self.recognize_wanted)
            self._column.addWidget(self._board)
        return self._board

    def focus_first(self) -> None:
        """Give the keyboard to the list."""
        self.board.focus_first()

    def show_discover(self) -> None:
        """Show what could be fetched."""
        self.board.show_view("Discover")

    def show_model(self, model: str) -> None:
        """Show an installed model."""
        self.board.show_model(model)

    def import_files(self) -> None:
        """Open the dialog for files; it does not block."""
        self.board.drop.choose_files()

    def open_files(self, paths: Sequence[Path]) -> None:
        """Show those that are installed, and ask whether the others are to be imported."""
        self._given.open(paths)

    def showEvent(self, event: QShowEvent) -> None:
        """Begin to look; the first time, build the content."""
        self.board.setVisible(True)
        super().showEvent(event)

    def watch(self, is_seen: bool) -> None:
        """Have the controllers look, or not."""
        self.controllers.installed.watch(is_seen)
        self.controllers.jobs.watch(is_seen)
