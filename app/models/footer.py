"""DetailFooter: load or let go, make smaller, remove; each says why where it cannot."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from app.models.actions import need_words, why_not_quantize, why_not_remove
from app.models.load_states import LoadState
from app.models.rows import Row
from app.theme import Appearance
from engine import Fit, FitVerdict


class DetailFooter(QFrame):
    """Fixed below what scrolls.

    Attributes:
        load: the main action: load, load with paging, cancel, unload.
        quantize: opens the dialog that makes it smaller.
        remove: asks whether its files go to the trash.

    Signals:
        load_pressed, cancel_pressed, unload_pressed: what the main button stands for now.
    """

    load_pressed = Signal()
    cancel_pressed = Signal()
    unload_pressed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("line", "top")
        self._appearance = appearance
        self._icon = "play"
        self._press = self.load_pressed
        self.load = QPushButton("Load", self)
        self.quantize = QPushButton("Quantize", self)
        self.remove = QPushButton("Remove", self)
        self.remove.setProperty("kind", "danger")
        self.load.clicked.connect(lambda: self._press.emit())
        self._lay_out()
        self._restyle()
        appearance.changed.connect(self._restyle)

    def show_row(self, row: Row, verdict: FitVerdict | None, state: LoadState, *, is_busy: bool) -> None:
        """Show what can be done with a model now."""
        title = row.title
        words, name, icon, press = "Load", f"Load {title}", "play", self.load_pressed
        reason = row.cause if row.is_refused else ""
        if state.is_loaded:
            words, name, icon, press = "Unload", f"Let {title} leave memory", "eject", self.unload_pressed
            reason = need_words(state.running) if state.running else ""
        elif state.is_loading:
            words, name, icon, press = state.words, f"Cancel: {state.words} of {title}", "close", self.cancel_pressed
        elif verdict is not None and verdict.fit is Fit.PAGING:
            words, name = "Load with paging", f"Load {title} with paging"
        elif verdict is not None and verdict.fit is Fit.NO:
            reason = f"{verdict.sentence} {' '.join(verdict.remedies[:1])}".strip()
        is_waiting = is_busy and not state.is_loading
        self._show_load(words, name, icon, reason or ("Wait until the last step has ended." if is_waiting else ""))
        self._press = press
        self._set(self.quantize, f"Make a smaller model of {title}", why_not_quantize(row))
        refusal = why_not_remove(row, state) or ("Wait until the last step has ended." if is_busy else "")
        self._set(self.remove, f"Remove {title}", refusal)

    def _show_load(self, words: str, name: str, icon: str, reason: str) -> None:
        kind = "" if icon in {"eject", "close"} else "primary"
        if self.load.property("kind") != kind:
            self.load.setProperty("kind", kind)
            self.load.style().unpolish(self.load)
            self.load.style().polish(self.load)
        if self.load.text() != words:
            self.load.setText(words)
        self._set(self.load, name, reason)
        tip = reason or ("Press to cancel" if icon == "close" else "")
        self.load.setToolTip(tip)
        self._icon = icon
        self._restyle()

    @staticmethod
    def _set(button: QPushButton, name: str, reason: str) -> None:
        button.setAccessibleName(name)
        button.setAccessibleDescription(reason)
        button.setEnabled(not reason)
        button.setToolTip(reason)

    def _restyle(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        role = "accent-text" if self.load.property("kind") == "primary" else "text"
        self.load.setIcon(theme.icon(self._icon, role, edge))
        self.remove.setIcon(theme.icon("trash", "danger", edge))

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self.setFixedHeight(theme.size("header"))
        edge = theme.space("l") + theme.space("xs")
        for button in (self.load, self.remove):
            button.setIconSize(QSize(theme.size("icon-small"), theme.size("icon-small")))
        self.remove.setProperty("quiet", True)
        row = QHBoxLayout(self)
        row.setContentsMargins(edge, 0, edge, 0)
        row.setSpacing(theme.space("s"))
        row.addWidget(self.load, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.quantize, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch(1)
        row.addWidget(self.remove, 0, Qt.AlignmentFlag.AlignVCenter)
