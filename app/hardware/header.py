"""HeaderBar: the page's title and what can be done with the whole machine."""

from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from app.theme import Appearance
from app.theme.widgets import Part, SegmentBar
from app.usage import NBSP

_COPIED_MS: Final = 2000
_METER_WIDTH: Final = 96
_DOING_WIDTH: Final = 232


class HeaderBar(QFrame):
    """Title, progress of measuring, and three buttons; none of them changes its width.

    Attributes:
        where_button: opens the dialog about where models run.
        copy_button: copies the report.
        measure_button: measures the devices, or cancels that.

    Signals:
        where_pressed, copy_pressed, measure_pressed, cancel_pressed: a button was pressed.
    """

    where_pressed = Signal()
    copy_pressed = Signal()
    measure_pressed = Signal()
    cancel_pressed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("pageHeader")
        self.setProperty("region", True)
        self._appearance = appearance
        self._is_measuring = False
        self._was_measured: bool | None = None
        self._was_shown = False
        self._meter = SegmentBar(appearance, "Measuring the devices", self)
        self._doing = QLabel(self)
        self.where_button = QPushButton("Where models run…", self)
        self.copy_button = QPushButton("Copy report", self)
        self.measure_button = QPushButton("Measure again", self)
        self._copied = QTimer(self, singleShot=True, interval=_COPIED_MS)
        self._set_up()
        self._lay_out()
        self.show_idle(was_measured=True)
        appearance.changed.connect(self._paint_icons)

    def showEvent(self, event: QShowEvent) -> None:
        """Do what costs time only now: the window opens with another page."""
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            self._fix_widths()
            self._paint_icons()

    def set_usable(self, is_usable: bool) -> None:
        """Say whether the engine is there to be asked."""
        for button in (self.where_button, self.copy_button, self.measure_button):
            button.setEnabled(is_usable)
            button.setToolTip("" if is_usable else "The engine is not running.")

    def show_idle(self, *, was_measured: bool) -> None:
        """Offer to measure; that is the main thing to do while it was never done."""
        self._meter.hide()
        self._doing.hide()
        if self._is_measuring or was_measured is not self._was_measured:
            self._is_measuring, self._was_measured = False, was_measured
            self._show_button()

    def show_progress(self, fraction: float, doing: str) -> None:
        """Say how far measuring is, and offer to cancel it."""
        number = f" {round(fraction * 100)}{NBSP}%"
        words = f"{doing or 'Measuring'}{number}"
        self._meter.set_parts((Part(fraction, "chart-1"),), words)
        metrics = self._doing.fontMetrics()
        room = _DOING_WIDTH - metrics.horizontalAdvance(number)
        shown = metrics.elidedText(doing or "Measuring", Qt.TextElideMode.ElideRight, room) + number
        if self._doing.text() != shown:
            self._doing.setText(shown)
            self._doing.setToolTip(words)
        self._meter.show()
        self._doing.show()
        if not self._is_measuring:
            self._is_measuring = True
            self._show_button()

    def say_copied(self) -> None:
        """Say for two seconds that the report is in the clipboard."""
        self._copied.start()
        self.copy_button.setText("Copied")
        self._paint_icons()

    def _on_measure(self) -> None:
        (self.cancel_pressed if self._is_measuring else self.measure_pressed).emit()

    def _on_copied_over(self) -> None:
        self.copy_button.setText("Copy report")
        self._paint_icons()

    def _show_button(self) -> None:
        button = self.measure_button
        words, name = ("Measure again", "Measure the devices again")
        if self._is_measuring:
            words, name = ("Cancel", "Cancel measuring the devices")
        elif not self._was_measured:
            words, name = ("Measure", "Measure the devices")
        button.setText(words)
        button.setAccessibleName(name)
        kind = "primary" if not self._is_measuring and self._was_measured is False else ""
        if button.property("kind") != kind:
            button.setProperty("kind", kind)
            button.style().unpolish(button)
            button.style().polish(button)
        self._paint_icons()

    def _paint_icons(self) -> None:
        if not self._was_shown:
            return
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        is_primary = self.measure_button.property("kind") == "primary"
        icon, role = ("close" if self._is_measuring else "speed"), ("accent-text" if is_primary else "text")
        self.measure_button.setIcon(theme.icon(icon, role, edge))
        self.copy_button.setIcon(theme.icon("check" if self._copied.isActive() else "copy", "text", edge))
        self.where_button.setIcon(theme.icon("branch", "text", edge))

    def _fix_widths(self) -> None:
        """Let no button change its width with its words; these are their longest."""
        edge = self._appearance.theme.size("icon-small")
        for button, longest in ((self.copy_button, "Copy report"), (self.measure_button, "Measure again")):
            words = button.text()
            button.setText(longest)
            button.setIcon(self._appearance.theme.icon("copy", "text", edge))
            button.ensurePolished()
            button.setMinimumWidth(button.sizeHint().width())
            button.setText(words)

    def _set_up(self) -> None:
        for button in (self.where_button, self.copy_button):
            button.setProperty("kind", "flat")
        self.where_button.setAccessibleName("Where models run")
        self.copy_button.setAccessibleName("Copy the hardware report")
        self._doing.setProperty("role", "small")
        self._doing.setProperty("muted", True)
        self._doing.setFixedWidth(_DOING_WIDTH)
        self._doing.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._meter.setFixedWidth(_METER_WIDTH)
        self.where_button.clicked.connect(self.where_pressed)
        self.copy_button.clicked.connect(self.copy_pressed)
        self.measure_button.clicked.connect(self._on_measure)
        self._copied.timeout.connect(self._on_copied_over)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self.setFixedHeight(theme.size("header"))
        title = QLabel("Hardware", self)
        title.setProperty("role", "title")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.space("xl"), 0, theme.space("xl"), 0)
        row.setSpacing(theme.space("s"))
        row.addWidget(title)
        row.addStretch(1)
        row.addWidget(self._doing)
        row.addWidget(self._meter)
        row.addSpacing(theme.space("s"))
        row.addWidget(self.where_button)
        row.addWidget(self.copy_button)
        row.addSpacing(theme.space("s"))
        row.addWidget(self.measure_button)
