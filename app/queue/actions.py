"""RequestActions: what can be done with one request, by button, by key and from a menu."""

from collections.abc import Callable
from functools import partial
from typing import Final

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QMessageBox, QWidget

from app.queue.controller import QueueController
from app.queue.words import LEVEL_WORDS, URGENCY_WORDS, counted, has_output
from app.theme import Appearance
from engine.queueing import QueuedRequest, RequestState
from engine.requests import Urgency

_URGENCY_KEYS: Final = {
    Qt.Key.Key_I: Urgency.INTERACTIVE,
    Qt.Key.Key_N: Urgency.NORMAL,
    Qt.Key.Key_B: Urgency.BATCH,
}
_LEVEL_KEYS: Final = {Qt.Key(Qt.Key.Key_0 + level): level for level in range(len(LEVEL_WORDS))}
_NOUNS: Final = {"image": ("picture", ""), "texts": ("text", "")}


def can_move_up(request: QueuedRequest) -> bool:
    """Whether it could begin sooner than it will."""
    return request.state is not RequestState.RUNNING and request.position != 1


class RequestActions(QObject):
    """Does it through the controller, and asks before something that was written is lost.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, controller: QueueController, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._controller = controller
        self._parent = parent

    def press(self, key: int, request: QueuedRequest) -> None:
        """Do what a key stands for: U, Delete, I, N, B, 0 to 4; other keys do nothing."""
        pressed = Qt.Key(key)
        if pressed == Qt.Key.Key_U:
            self.move_up(request)
        elif pressed in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.cancel(request)
        elif pressed in _URGENCY_KEYS:
            self._controller.set_urgency(request.id, _URGENCY_KEYS[pressed])
        elif pressed in _LEVEL_KEYS:
            self._controller.set_urgency(request.id, request.urgency, _LEVEL_KEYS[pressed])

    def move_up(self, request: QueuedRequest) -> None:
        """Let it begin next, if it does not already."""
        if can_move_up(request):
            self._controller.move_up(request.id)

    def cancel(self, request: QueuedRequest) -> None:
        """End it; if it has written something, only after a question."""
        if not has_output(request):
            self._controller.cancel(request.id)
            return
        box = QMessageBox(self._parent)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Cancel a request")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"Cancel “{request.title}”?")
        one, many = _NOUNS.get(request.form, ("token", ""))
        box.setInformativeText(f"It has come to {counted(request.output_tokens, one, many)} so far, and ends there.")
        keep = box.addButton("Let it go on", QMessageBox.ButtonRole.RejectRole)
        leave = box.addButton("Cancel the request", QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        leave.clicked.connect(partial(self._controller.cancel, request.id))
        box.open()

    def open_menu(self, request: QueuedRequest, at: QPoint, explain: Callable[[], None] | None = None) -> QMenu:
        """Show everything that can be done with a request.

        Args:
            request: as of the last look.
            at: place on the screen.
            explain: opens the explanation; None where it is open.
        """
        menu = QMenu(self._parent)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        if explain is not None:
            menu.addAction(theme.icon("info", "text", edge), "Why?\tEnter", explain)
        move = menu.addAction(theme.icon("arrow-up", "text", edge), "Move up\tU", partial(self.move_up, request))
        move.setEnabled(can_move_up(request))
        menu.addSeparator()
        self.add_urgencies(menu, request)
        menu.addSeparator()
        menu.addAction(theme.icon("close", "danger", edge), "Cancel request\tDel", partial(self.cancel, request))
        menu.popup(at)
        return menu

    def add_urgencies(self, menu: QMenu, request: QueuedRequest) -> None:
        """Add how soon it is needed, and the person's own weight, as choices to a menu."""
        choose = self._controller.set_urgency
        urgencies = QActionGroup(menu)
        for urgency, (word, hint) in URGENCY_WORDS.items():
            run = partial(choose, request.id, urgency)
            action = self._add(menu, urgencies, f"{word}, {hint}\t{word[0]}", run)
            action.setChecked(urgency is request.urgency)
        menu.addSeparator()
        levels = QActionGroup(menu)
        for level in reversed(range(len(LEVEL_WORDS))):
            run = partial(choose, request.id, request.urgency, level)
            action = self._add(menu, levels, f"Level {level}, {LEVEL_WORDS[level]}\t{level}", run)
            action.setChecked(level == request.level)

    @staticmethod
    def _add(menu: QMenu, group: QActionGroup, words: str, run: Callable[[], None]) -> QAction:
        action = menu.addAction(words)
        action.setCheckable(True)
        group.addAction(action)
        action.triggered.connect(lambda _checked=False: run())
        return action
