"""CompareAsk: one question, and the answers of both models beside each other with their speeds."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.models.compare_controller import CompareController, Reply
from app.theme import Appearance
from app.theme.widgets import ElidedLabel
from app.theme.widgets.labels import say

_MOST_QUESTION = 4_000
_EXAMPLE = "Write one sentence about autumn."


class ReplyBox(QWidget):
    """What one model answers; the text grows at its end, so that a selection stays."""

    def __init__(self, appearance: Appearance, which: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._shown = ""
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setProperty("field", True)
        self.text.setAccessibleName(f"Answer of model {which}")
        self.facts = ElidedLabel("", self, Qt.TextElideMode.ElideRight)
        self.facts.setProperty("role", "small")
        self.facts.setProperty("muted", True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(appearance.theme.space("xs"))
        column.addWidget(self.text, 1)
        column.addWidget(self.facts)

    def show_reply(self, reply: Reply) -> None:
        """Show what is there by now."""
        text = reply.text or reply.error
        if text != self._shown:
            if text.startswith(self._shown) and self._shown:
                cursor = QTextCursor(self.text.document())
                cursor.movePosition(QTextCursor.MoveOperation.End)
                cursor.insertText(text[len(self._shown) :])
            else:
                self.text.setPlainText(text)
            self._shown = text
        said = reply.error if reply.error and reply.text else reply.doing or reply.facts
        say(self.facts, said)


class CompareAsk(QWidget):
    """A field, a button that turns into Stop, and two boxes.

    Attributes:
        field: the question.
        button: asks, or stops.
        boxes: of the first and the second model.
    """

    def __init__(
        self,
        appearance: Appearance,
        controller: CompareController,
        models: Callable[[], tuple[str, str]],
        parent: QWidget,
    ) -> None:
        """Make it.

        Args:
            appearance: gives the looks.
            controller: has the models asked.
            models: gives the ids of the two.
            parent: where it lives.
        """
        super().__init__(parent)
        self._controller = controller
        self._models = models
        theme = appearance.theme
        self.field = QLineEdit(self)
        self.field.setMaxLength(_MOST_QUESTION)
        self.field.setPlaceholderText(f"Ask both, such as: {_EXAMPLE}")
        self.field.setAccessibleName("A question for both models")
        self.button = QPushButton("Ask both", self)
        self.button.setAutoDefault(False)
        self.boxes = (ReplyBox(appearance, "A", self), ReplyBox(appearance, "B", self))
        row = QHBoxLayout()
        row.setSpacing(theme.space("s"))
        row.addWidget(self.field, 1)
        row.addWidget(self.button)
        answers = QHBoxLayout()
        answers.setSpacing(theme.space("m"))
        for box in self.boxes:
            answers.addWidget(box, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space("s"))
        column.addLayout(row)
        column.addLayout(answers, 1)
        self.field.textChanged.connect(self._show_button)
        self.field.returnPressed.connect(self.ask)
        self.button.clicked.connect(self._on_button)
        controller.replied.connect(self._show_replies)
        controller.asked_or_done.connect(self._show_button)
        self._show_button()

    def ask(self) -> None:
        """Have both asked, if there is a question."""
        question = self.field.text().strip()
        if question and not self._controller.is_asking:
            self._controller.ask(self._models(), question)

    def _on_button(self) -> None:
        if self._controller.is_asking:
            self._controller.stop()
        else:
            self.ask()

    def _show_button(self) -> None:
        is_asking = self._controller.is_asking
        self.button.setText("Stop" if is_asking else "Ask both")
        self.button.setAccessibleName("Stop both answers" if is_asking else "Ask both models")
        self.button.setEnabled(is_asking or bool(self.field.text().strip()))

    def _show_replies(self) -> None:
        for box, reply in zip(self.boxes, self._controller.replies, strict=True):
            box.show_reply(reply)
