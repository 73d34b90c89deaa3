"""Composer: the frame at the foot of a chat."""

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.chat.composer.picker_button import PickerButton
from app.chat.composer.prompt_edit import PromptEdit
from app.chat.composer.tools_button import ToolsButton
from app.theme import Appearance
from app.theme.widgets import Part, SegmentBar

LEAST_HEIGHT = 88
MOST_HEIGHT = 240
WARNING_SHARE = 0.8  # of the context; from here on a mark and a colour say that it gets full
_BUTTON_WIDTH = 78
_FRAME_HEIGHT = 62  # everything but the text


class Composer(QWidget):
    """Writes the next message; it can be written, and handed over, while an answer is still coming.

    Attributes:
        edit: the text.
        model: picks the model.
        preset: picks how tokens are drawn, and whether to think first.
        tools: switches what the model may call.

    Signals:
        sent: the message; the composer is empty now.
        stop_requested: end the answer.

    Thread: UI only.
    """

    sent = Signal(str)
    stop_requested = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._is_busy = False
        self._model_hint = ""
        self._text_height = 0
        self._is_armed = False  # the message goes out when the answer ends
        self.setProperty("region", True)
        self.setAccessibleName("Message and its settings")
        self.edit = PromptEdit(appearance, self)
        self.model = PickerButton(appearance, "Model", "Ctrl+M", self)
        self.preset = PickerButton(appearance, "Preset", "Ctrl+P", self)
        self.tools = ToolsButton(appearance, self)
        self._hint = QLabel(self)
        self._context_name = QLabel("Context", self)
        self._meter = SegmentBar(appearance, "Context", self)
        self._used = QLabel(self)
        self._button = QPushButton(self)
        self._lay_out()
        self._connect()
        self.show_busy(False)
        self.show_context(0, 0)

    # -------------------------------------------------------------------------------------------- what it is told

    def show_busy(self, is_busy: bool) -> None:
        """Offer to stop, or to send; a message that was handed over goes out when the answer has ended."""
        was_armed = self._is_armed and self._is_busy and not is_busy
        self._is_busy = is_busy
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        self._button.setText("Stop" if is_busy else "Send")
        self._button.setProperty("kind", "" if is_busy else "primary")
        self._button.setAccessibleName("Stop the answer" if is_busy else "Send the message")
        self._button.setToolTip("Stop the answer (Esc)" if is_busy else "Send the message (Enter)")
        icon, role = ("stop", "text") if is_busy else ("arrow-up", "accent-text")
        self._button.setIcon(theme.icon(icon, role, edge))
        self._button.setIconSize(QSize(edge, edge))
        self._button.style().unpolish(self._button)
        self._button.style().polish(self._button)
        self._on_text_changed_state()
        if was_armed:
            self._arm(False)
            self._send()

    def show_context(self, used: int, total: int) -> None:
        """Show how full the context is, in tokens."""
        share = used / total if total else 0.0
        role = "chart-1" if share < WARNING_SHARE else "warning"
        description = f"{used:,} of {total:,} tokens of the context are in use"
        self._meter.set_parts((Part(share, role),), description, WARNING_SHARE)
        words = f"{used:,} of {total:,}" if total else "–"
        if self._used.text() != words:
            self._used.setText(words)

    def show_hint(self, words: str) -> None:
        """Say something about the chosen model above the row; empty hides it."""
        self._model_hint = words
        self._refresh_hint()

    def disarm(self) -> None:
        """Keep a message that was handed over; it is not sent by itself."""
        self._arm(False)

    def escape(self) -> None:
        """Take back what was handed over, or else ask for a stop."""
        if self._is_armed:
            self._arm(False)
        elif self._is_busy:
            self.stop_requested.emit()

    def write(self, text: str) -> None:
        """Put words into the composer, and the cursor behind them."""
        self.edit.setPlainText(text)
        self.edit.moveCursor(self.edit.textCursor().MoveOperation.End)
        self.edit.setFocus()

    @property
    def is_busy(self) -> bool:
        """Whether Stop is offered."""
        return self._is_busy

    @property
    def is_armed(self) -> bool:
        """Whether the message goes out when the answer ends."""
        return self._is_armed

    # ------------------------------------------------------------------------------------------------- inside

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        for label in (self._hint, self._context_name, self._used):
            label.setProperty("role", "small")
            label.setProperty("muted", True)
        self._context_name.setMinimumWidth(1)  # the first to give way where the row is narrow
        self._hint.setFixedHeight(theme.line("small"))  # whatever the font would like
        self._hint.hide()
        self._meter.setFixedWidth(72)
        self._button.setFixedSize(_BUTTON_WIDTH, theme.size("control"))
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space("xs"))
        row.addWidget(self.model)
        row.addWidget(self.preset)
        row.addWidget(self.tools)
        row.addStretch(1)
        for widget in (self._context_name, self._meter, self._used):
            row.addWidget(widget)
            row.addSpacing(theme.space("xs"))
        row.addWidget(self._button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(theme.space("s"), theme.space("m"), theme.space("m"), theme.space("s"))
        whole.setSpacing(theme.space("xs"))
        text = QHBoxLayout()
        text.setContentsMargins(theme.space("s"), 0, 0, 0)
        text.addWidget(self.edit)
        whole.addLayout(text, 1)
        hint = QHBoxLayout()
        hint.setContentsMargins(theme.space("s"), 0, 0, 0)
        hint.addWidget(self._hint)
        whole.addLayout(hint)
        whole.addLayout(row)
        self.setFixedHeight(LEAST_HEIGHT)

    def _connect(self) -> None:
        self.edit.submitted.connect(self._on_submitted)
        self.edit.escaped.connect(self.escape)
        self.edit.height_wanted.connect(self._on_height_wanted)
        self.edit.textChanged.connect(self._on_text_changed)
        self._button.clicked.connect(self._on_button)
        self._appearance.changed.connect(self._restyle)

    def _on_submitted(self) -> None:
        if not self._is_busy:
            self._send()
        elif self.edit.toPlainText().strip():
            self._arm(True)

    def _on_button(self) -> None:
        if self._is_busy:
            self.stop_requested.emit()
        else:
            self._send()

    def _send(self) -> None:
        text = self.edit.toPlainText()
        if text.strip():
            self.edit.clear()
            self.sent.emit(text)

    def _arm(self, is_armed: bool) -> None:
        self._is_armed = is_armed
        self._refresh_hint()

    def _refresh_hint(self) -> None:
        words = "Sent when this answer ends. Esc keeps it here." if self._is_armed else self._model_hint
        self._hint.setText(words)
        self._hint.setVisible(bool(words))
        self._fit()

    def _on_text_changed(self) -> None:
        if self._is_armed:
            self._arm(False)  # what was handed over is no longer what is written
        self._on_text_changed_state()

    def _on_text_changed_state(self) -> None:
        self._button.setEnabled(self._is_busy or bool(self.edit.toPlainText().strip()))
        waiting = "Write the next message; Enter sends it when this answer ends"
        self.edit.setPlaceholderText(waiting if self._is_busy else "Write a message")
        self.edit.viewport().update()  # Qt 6.11 repaints only when the placeholder comes or goes, not when it changes

    def _on_height_wanted(self, height: int) -> None:
        self._text_height = height
        self._fit()

    def _fit(self) -> None:
        theme = self._appearance.theme
        hint = 0 if self._hint.isHidden() else theme.line("small") + theme.space("xs")
        wanted = max(LEAST_HEIGHT, self._text_height + _FRAME_HEIGHT)
        self.setFixedHeight(min(MOST_HEIGHT, wanted + hint))

    def _restyle(self) -> None:
        self.show_busy(self._is_busy)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the frame; its border is the accent while somebody writes."""
        theme = self._appearance.theme
        has_focus = self.edit.hasFocus()
        width = 2 if has_focus else 1
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("accent" if has_focus else "border-strong"), width))
        painter.setBrush(theme.color("raised"))
        radius = theme.radius("large")
        inset = width / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), radius, radius)
