"""VerdictCard: whether the chosen model fits, line by line, and what would help if it does not."""

from html import escape

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.models.fit_book import Judgement
from app.models.sections import Section
from app.models.verdict_bar import VerdictBar
from app.models.verdict_words import (
    Line,
    Note,
    budget_words,
    description_of,
    gap_words,
    lines_of,
    needed_bytes,
    note_of,
    part_words,
)
from app.theme import Appearance
from app.theme.widgets import ElidedLabel, Part, Swatch
from app.theme.widgets.labels import IconLabel, say, text_label
from engine import FitVerdict

_LINE = 24
_ROOM = 1.08  # of the bar, so that what comes last does not look cut off


class LineRow(QWidget):
    """A swatch, a name, a quiet note, and a size."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedHeight(_LINE)
        self._swatch = Swatch(appearance, "chart-8", self)
        self._name = QLabel(self)
        self._note = ElidedLabel("", self, Qt.TextElideMode.ElideRight)
        self._note.setProperty("role", "small")
        self._note.setProperty("muted", True)
        self._size = QLabel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(appearance.theme.space("s"))
        row.addWidget(self._swatch)
        row.addWidget(self._name)
        row.addWidget(self._note, 1)
        row.addWidget(self._size)

    def show_line(self, line: Line, whole_bytes: int) -> None:
        """Show another part of so many bytes."""
        self._swatch.show_role(line.role)
        say(self._name, line.name)
        say(self._note, line.note)
        say(self._size, part_words(line.size_bytes, whole_bytes))


class VerdictNote(QFrame):
    """What is wrong in one loud and one quiet sentence, and the button that helps.

    Attributes:
        button: sets a shorter context.
    """

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme = appearance.theme
        self._icon = IconLabel(appearance, "paging", "warning")
        self._words = text_label("")
        self._words.setTextFormat(Qt.TextFormat.RichText)  # our own words, and every name in them escaped
        self.button = QPushButton(self)
        self.button.setProperty("small", True)
        column = QVBoxLayout()
        column.setSpacing(theme.space("s"))
        column.addWidget(self._words)
        press = QHBoxLayout()
        press.addWidget(self.button)
        press.addStretch(1)
        column.addLayout(press)
        row = QHBoxLayout(self)
        edge = theme.space("m")
        row.setContentsMargins(edge, edge - theme.space("xxs"), edge, edge - theme.space("xxs"))
        row.setSpacing(theme.space("s"))
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)

    def show_note(self, note: Note | None) -> None:
        """Show a note, or none."""
        self.setVisible(note is not None)
        if note is None:
            return
        self._icon.show_icon(note.icon, note.role)
        words = f"<b>{escape(note.lead)}</b> {escape(note.rest)}"
        if self._words.text() != words:
            self._words.setText(words)
        self.setAccessibleName(f"{note.lead} {note.rest}")
        self.button.setVisible(bool(note.context_tokens))
        self.button.setText(f"Use context {note.context_tokens:,}")
        self.button.setToolTip("It counts from the next load on. You can change it below, under “For this model”.")
        if self.property("banner") != note.kind:
            self.setProperty("banner", note.kind)
            self.style().unpolish(self)
            self.style().polish(self)


class VerdictCard(Section):
    """The bar, its lines, their sum, and the note.

    Attributes:
        bar: all parts, and the budget.
        note: what is wrong.

    Signals:
        context_wanted: a context of so many tokens.
    """

    context_wanted = Signal(int)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Memory verdict", parent)
        self._appearance = appearance
        self._context = 0
        self._gap = QLabel(self)
        self._gap.setProperty("role", "small")
        self._gap.setProperty("muted", True)
        self.head.addWidget(self._gap)
        self._waiting = text_label("Looking whether it fits…", is_muted=True)
        self.bar = VerdictBar(appearance, self)
        self._rows: list[LineRow] = []
        self._lines = QVBoxLayout()
        self._lines.setSpacing(0)
        self._sum = QFrame(self)
        self._needed = QLabel(self)
        self._needed.setProperty("role", "strong")
        self.note = VerdictNote(appearance, self)
        self.note.button.clicked.connect(lambda: self.context_wanted.emit(self._context))
        self._lay_out()

    def show_judgement(self, judgement: Judgement | None) -> None:
        """Show what was found out; None while that is not known yet."""
        verdict = judgement.verdict if judgement is not None else None
        self._waiting.setVisible(judgement is None)
        for part in (self.bar, self._sum, self._gap):
            part.setVisible(verdict is not None)
        self._show_lines(lines_of(verdict) if verdict is not None else ())
        if verdict is not None:
            self._show_verdict(verdict)
        note = note_of(judgement) if judgement is not None else None
        self._context = note.context_tokens if note is not None else 0
        self.note.show_note(note)

    def _show_verdict(self, verdict: FitVerdict) -> None:
        needed = needed_bytes(verdict)
        whole = max(1.0, _ROOM * max(needed, verdict.budget_bytes))
        say(self._gap, gap_words(verdict))
        self._gap.setToolTip(f"{budget_words(verdict)}: {verdict.budget_reason}.")
        say(self._needed, part_words(needed, needed))
        parts = [Part(line.size_bytes / whole, line.role) for line in lines_of(verdict)]
        limit = verdict.budget_bytes / whole
        self.bar.show_parts(parts, limit, budget_words(verdict), description_of(verdict))

    def _show_lines(self, lines: tuple[Line, ...]) -> None:
        while len(self._rows) < len(lines):
            self._rows.append(LineRow(self._appearance))
            self._lines.addWidget(self._rows[-1])
        whole = sum(line.size_bytes for line in lines)
        for at, row in enumerate(self._rows):
            if at < len(lines):
                row.show_line(lines[at], whole)
            row.setVisible(at < len(lines))

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._sum.setProperty("line", "top")
        title = QLabel("Needed", self._sum)
        title.setProperty("role", "strong")
        row = QHBoxLayout(self._sum)
        row.setContentsMargins(18, theme.space("xs"), 0, theme.space("xs"))
        row.addWidget(title)
        row.addStretch(1)
        row.addWidget(self._needed)
        self.column.setSpacing(0)
        self.column.addWidget(self._waiting)
        self.column.addWidget(self.bar)
        self.column.addSpacing(theme.space("xxs"))
        self.column.addLayout(self._lines)
        self.column.addSpacing(theme.space("xs"))
        self.column.addWidget(self._sum)
        self.column.addSpacing(theme.space("xs"))
        self.column.addWidget(self.note)
