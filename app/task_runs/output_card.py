"""OutputCard: one output of a task, while it grows and when it is complete."""

import csv
import io

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.markdown.growing_text import MOST_SHOWN, GrowingText
from app.task_runs.table_view import table_text, table_view
from app.theme import Appearance
from app.theme.widgets import IconButton
from engine import Field, InputFile, Kind, Table, Value

_TEXTS = frozenset({Kind.TEXT, Kind.MARKDOWN})
_HEAD = 40


class OutputCard(QFrame):
    """Title, actions, and the value in the look of its kind.

    Attributes:
        field: which output it is.

    Signals:
        copy_requested: text for the clipboard.
        save_requested: proposed file name, and the content.
        link_pressed: a safe link; nothing has been opened.

    Thread: UI only.
    """

    copy_requested = Signal(str)
    save_requested = Signal(str, bytes)
    link_pressed = Signal(str)

    def __init__(self, appearance: Appearance, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = field
        self._appearance = appearance
        self._value: Value | None = None
        self._text: GrowingText | None = None
        self._pending: list[str] = []
        self._flush_timer = QTimer(self, singleShot=True, interval=appearance.theme.motion_ms("repaint-text"))
        self._flush_timer.timeout.connect(self._flush)
        self._said = QLabel(self)
        self._copy = IconButton(appearance, "copy", f"Copy {field.title}", small=True, parent=self)
        self._save = IconButton(appearance, "download", f"Save {field.title} as a file", small=True, parent=self)
        self._body = QVBoxLayout()
        self.setProperty("card", True)
        self._lay_out()
        self._copy.clicked.connect(self._on_copy)
        self._save.clicked.connect(self._on_save)
        self._show_actions()

    @property
    def text(self) -> str:
        """What would be copied."""
        self._flush()
        if self._text is not None:
            return self._text.text
        return "" if self._value is None else plain_words(self._value)

    @property
    def is_settled(self) -> bool:
        """Whether everything that came is shown."""
        return not self._flush_timer.isActive() and (self._text is None or self._text.is_settled)

    def append(self, text: str) -> None:
        """Add text to an output that grows; painted a few times a second."""
        self._pending.append(text)
        if not self._flush_timer.isActive():
            self._flush_timer.start()

    def show_value(self, value: Value) -> None:
        """Show the complete output."""
        self._flush()
        self._value = value
        if self.field.kind in _TEXTS and isinstance(value, str):
            view = self._text_view()
            view.finish(value, is_markdown=self.field.kind is Kind.MARKDOWN)
            self.say(f"The first {MOST_SHOWN:,} of {len(value):,} characters" if view.is_cut else "")
        elif isinstance(value, Table):
            self._body.addWidget(table_view(self._appearance, self.field.title, value, self))
            self.say("1 row" if len(value.rows) == 1 else f"{len(value.rows):,} rows")
        else:
            self._body.addWidget(self._words(plain_words(value)))
        self._show_actions()

    def end(self) -> None:
        """Say that nothing more comes of an output that is not complete."""
        self._flush()
        if self._text is not None:
            self._text.finish(self._text.text, is_markdown=self.field.kind is Kind.MARKDOWN)

    def say(self, words: str) -> None:
        """Say something beside the title, such as that it was saved."""
        self._said.setText(words)

    def _flush(self) -> None:
        self._flush_timer.stop()
        pending, self._pending = self._pending, []
        if pending:
            self._text_view().append("".join(pending))
            self._show_actions()

    def _text_view(self) -> GrowingText:
        if self._text is None:
            self._text = GrowingText(self._appearance, self.field.title, self)
            self._text.copy_requested.connect(self.copy_requested)
            self._text.link_pressed.connect(self.link_pressed)
            self._body.addWidget(self._text)
        return self._text

    def _words(self, words: str) -> QLabel:
        label = QLabel(words, self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setAccessibleName(f"{self.field.title}: {words}")
        return label

    def _show_actions(self) -> None:
        is_file = isinstance(self._value, InputFile)
        has_something = self._value is not None or self._text is not None
        self._copy.setVisible(has_something and not is_file)
        self._save.setVisible(
            is_file or isinstance(self._value, Table) or (self.field.kind in _TEXTS and has_something)
        )

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        title = QLabel(self.field.title, self)
        title.setProperty("role", "strong")
        title.setTextFormat(Qt.TextFormat.PlainText)
        self._said.setProperty("role", "small")
        self._said.setProperty("muted", True)
        head = QWidget(self)
        head.setFixedHeight(_HEAD)
        row = QHBoxLayout(head)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space("xs"))
        row.addWidget(title)
        row.addSpacing(theme.space("xs"))
        row.addWidget(self._said, 1)
        row.addWidget(self._copy)
        row.addWidget(self._save)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space("l"), theme.space("xs"), theme.space("s"), theme.space("l"))
        column.setSpacing(theme.space("xs"))
        column.addWidget(head)
        self._body.setContentsMargins(0, 0, theme.space("s"), 0)
        column.addLayout(self._body)

    def _on_copy(self) -> None:
        self.copy_requested.emit(self.text)
        self.say("Copied")

    def _on_save(self) -> None:
        if isinstance(self._value, InputFile):
            self.save_requested.emit(self._value.name, self._value.data)
        elif isinstance(self._value, Table):
            self.save_requested.emit(f"{self.field.name}.csv", table_csv(self._value).encode())
        else:
            suffix = "md" if self.field.kind is Kind.MARKDOWN else "txt"
            self.save_requested.emit(f"{self.field.name}.{suffix}", self.text.encode())


def plain_words(value: Value) -> str:
    """A value as text."""
    if isinstance(value, Table):
        return table_text(value)
    if isinstance(value, InputFile):
        return f"{value.name}, {len(value.data):,} bytes"
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def table_csv(table: Table) -> str:
    """The table as a CSV file."""
    written = io.StringIO()
    csv.writer(written).writerows((table.columns, *table.rows))
    return written.getvalue()
