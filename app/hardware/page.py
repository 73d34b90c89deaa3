"""HardwarePage: the frame of the page. What costs much is imported and built when it is opened for the first time."""

import threading
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.hardware.controller import HardwareController
from app.hardware.header import HeaderBar
from app.theme import Appearance
from app.theme.widgets import Banner, WatchingPage
from app.usage import device_titles, spoken

if TYPE_CHECKING:
    from app.hardware.board import Board
    from app.hardware.placement_dialog import PlacementDialog

_BOARD: Final = "app.hardware.board"


class HardwarePage(WatchingPage):
    """The page `hardware`: it has the controller look at the engine while it can be seen, and only then.

    Attributes:
        header: the title and the buttons.
        banner: what did not work.
        board: the content; None until the page has been opened and what it needs is imported.

    Signals:
        built: the content is there.
        budget_wanted: the person wants to set how much memory models may take.

    Thread: UI only.
    """

    built = Signal()
    budget_wanted = Signal()
    _imported = Signal()

    def __init__(self, appearance: Appearance, controller: HardwareController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self._appearance = appearance
        self._controller = controller
        self._is_importing = False
        self.board: Board | None = None
        self.header = HeaderBar(appearance, self)
        self.banner = Banner(appearance, self)
        self._notes = QWidget(self)
        self._waiting = QLabel(self)
        self._scroll = QScrollArea(self)
        self._lay_out()
        self._connect()
        self._show_state()

    def focus_first(self) -> None:
        """Give the keyboard to the first button that can be used."""
        self.header.measure_button.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def copy_report(self) -> None:
        """Put everything about this machine into the clipboard."""
        report = self._controller.report()
        if report:
            QGuiApplication.clipboard().setText(report)
            self.header.say_copied()

    def measure(self) -> None:
        """Measure all devices anew."""
        self.banner.clear()
        self._controller.measure()

    def show_placements(self, model: str = "") -> "PlacementDialog":
        """Open the dialog about where models run; it does not block.

        Args:
            model: shown first; empty for the first there is.
        """
        from app.hardware.placement_dialog import PlacementDialog

        dialog = PlacementDialog(self._appearance, self._controller, model, self)
        dialog.open()
        return dialog

    def showEvent(self, event: QShowEvent) -> None:
        """Begin to look; the first time, fetch the content."""
        super().showEvent(event)
        self._fetch_board()

    def watch(self, is_seen: bool) -> None:
        """Have the controller look, or not."""
        self._controller.watch(is_seen)

    # --------------------------------------------------------------------------------------------------------- content

    def _fetch_board(self) -> None:
        """Import the content on a thread, since that takes a third of a second, and build it afterwards."""
        if self.board is None and not self._is_importing:
            self._is_importing = True
            threading.Thread(target=self._import_board, name="hearth-warm-up", daemon=True).start()

    def _import_board(self) -> None:
        import_module(_BOARD)
        with suppress(RuntimeError):  # the window was closed meanwhile
            self._imported.emit()

    def _build(self) -> None:
        from app.hardware.board import Board

        self.board = Board(self._appearance, self._controller, self)
        self.board.budget_wanted.connect(self.budget_wanted)
        self._scroll.setWidget(self.board)
        self.board.setAutoFillBackground(False)  # QScrollArea has just set it
        bar = self._scroll.verticalScrollBar()
        bar.rangeChanged.connect(self._on_range)
        self._show_state()
        self.built.emit()

    def _on_range(self, _least: int, most: int) -> None:
        if self.board is not None:
            self.board.leave_room(self._scroll.verticalScrollBar().sizeHint().width() if most else 0)

    def _show_state(self) -> None:
        """Show the content, or why there is none yet."""
        has_numbers = self._controller.snapshot is not None
        is_ready = self.board is not None and has_numbers
        self._scroll.setVisible(is_ready)
        self._waiting.setVisible(not is_ready)
        self._waiting.setText("Looking at the devices…" if has_numbers else "The engine is not running yet.")
        self.header.set_usable(has_numbers)
        self._show_busy()

    def _show_busy(self) -> None:
        controller, snapshot = self._controller, self._controller.snapshot
        if controller.is_measuring:
            fraction, doing = controller.progress
            titles = device_titles(snapshot.devices) if snapshot is not None else {}
            self.header.show_progress(fraction, spoken(doing, titles))
        else:
            self.header.show_idle(was_measured=snapshot is None or bool(snapshot.rates))

    def _on_ticked(self) -> None:
        if self._waiting.isVisible():
            self._show_state()
        elif not self._controller.is_measuring:
            self._show_busy()

    def _on_failed(self, cause: str, remedy: str) -> None:
        self.banner.show_message("bad", cause, remedy)

    def _connect(self) -> None:
        header, controller = self.header, self._controller
        header.where_pressed.connect(lambda: self.show_placements())
        header.copy_pressed.connect(self.copy_report)
        header.measure_pressed.connect(self.measure)
        header.cancel_pressed.connect(controller.cancel)
        controller.ticked.connect(self._on_ticked)
        controller.busy_changed.connect(self._show_busy)
        controller.failed.connect(self._on_failed)
        self._imported.connect(self._build, Qt.ConnectionType.QueuedConnection)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._waiting.setProperty("muted", True)
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._scroll.setAccessibleName("Devices and memory")
        self._scroll.viewport().setAutoFillBackground(False)
        notes = QVBoxLayout(self._notes)
        notes.setContentsMargins(theme.space("xl"), theme.space("l"), theme.space("xl"), 0)
        notes.addWidget(self.banner)
        self._notes.hide()
        self.banner.shown_or_hidden.connect(lambda: self._notes.setHidden(self.banner.isHidden()))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.header)
        whole.addWidget(self._notes)
        whole.addWidget(self._waiting, 1)
        whole.addWidget(self._scroll, 1)
