"""CallCard: a tool that an answer calls, what came back, and the question whether it may."""

import json
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.chat.conversation import Call, CallState
from app.chat.transcript.fold import HEAD, Fold
from app.theme import Appearance
from app.theme.widgets import Chip
from app.theme.widgets.chip import Tone

_PADDING = 6
_ASK = 44
_GAP = 8
_CHIPS: dict[CallState, tuple[str, Tone]] = {
    CallState.ASKING: ("Waits for you", "warn"),
    CallState.RUNNING: ("Running", "accent"),
    CallState.DONE: ("Done", "ok"),
    CallState.FAILED: ("Failed", "bad"),
    CallState.REFUSED: ("Not allowed", "neutral"),
    CallState.LEFT: ("Not made", "neutral"),
}


@dataclass(slots=True, eq=False)
class CallContent:
    """What is known of it while it has no widget: the call, and whether its result is shown."""

    call: Call
    is_open: bool = False


class CallCard(QWidget):
    """One call.

    Signals:
        toggled: the result was opened or closed; the height is another.
        decided: `refuse`, `once` or `always`.

    Thread: UI only.
    """

    toggled = Signal()
    decided = Signal(str)

    def __init__(self, appearance: Appearance, content: CallContent, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._content = content
        self.fold = Fold(appearance, "Call of a tool", self)
        self._chip = Chip(parent=self)
        self._question = QLabel(self)
        self._question.setTextFormat(Qt.TextFormat.PlainText)
        self._buttons = [
            self._button("Refuse", "refuse"),
            self._button("Allow once", "once"),
            self._button("Allow in this chat", "always"),
        ]
        self.fold.toggled.connect(self._on_toggled)
        self.refresh()

    @property
    def buttons(self) -> list[QPushButton]:
        """Refuse, allow once, allow in this chat."""
        return self._buttons

    def refresh(self) -> None:
        """Show the call as it is now."""
        call = self._content.call
        words, tone = _CHIPS[call.state]
        self._chip.show_state(words, tone)
        self._chip.adjustSize()
        self.fold.say(f"Calls {call.words}")
        self.fold.set_open(is_open=self._content.is_open)
        arguments = json.dumps(dict(call.arguments), ensure_ascii=False, indent=2)
        self.fold.set_text(f"{arguments}\n\n{call.result}".rstrip() if call.result else arguments)
        asks = call.state is CallState.ASKING
        self._question.setText(f"Allow this call? {call.reason}")
        for widget in (self._question, *self._buttons):
            widget.setVisible(asks)
        for button, what in zip(self._buttons, ("Refuse", "Allow once", "Allow in this chat"), strict=True):
            button.setAccessibleName(f"{what}: {call.words}. {call.reason}")

    def height_at(self, width: int) -> int:
        """Place the parts in a column of this width, and return the height."""
        chip = self._chip.sizeHint()
        self._chip.setGeometry(width - chip.width() - _PADDING, _PADDING + 3, chip.width(), chip.height())
        inner = width - chip.width() - 2 * _PADDING - _GAP
        height = self.fold.height_at(inner)
        self.fold.setGeometry(_PADDING, _PADDING, inner, height)
        top = _PADDING + height
        if self._content.call.state is CallState.ASKING:
            right = width - _PADDING
            for button in reversed(self._buttons):
                size = button.sizeHint()
                right -= size.width()
                button.setGeometry(right, top + (_ASK - HEAD) // 2, size.width(), HEAD)
                right -= _GAP
            self._question.setGeometry(_PADDING + _GAP, top, right - _PADDING - _GAP, _ASK)
            top += _ASK
        return top + _PADDING

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the card."""
        theme = self._appearance.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(theme.color("border"))
        painter.setBrush(theme.color("raised"))
        radius = theme.radius("medium")
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)

    def _button(self, words: str, decision: str) -> QPushButton:
        button = QPushButton(words, self)
        button.setProperty("small", True)
        button.clicked.connect(lambda: self.decided.emit(decision))
        return button

    def _on_toggled(self) -> None:
        self._content.is_open = self.fold.is_open
        self.toggled.emit()
