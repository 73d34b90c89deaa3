"""PagingCard: models that are larger than their memory: what stays, what is read again and again, how fast that is."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QFontMetrics, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.hardware.paging_words import PagingPart, paging_parts, paging_sentence, part_words, size_words, speed_of
from app.hardware.painted import PaintedRow, QuietText, SentenceText
from app.hardware.wording import Sentence, shortened
from app.theme import Appearance
from app.theme.widgets import IconChip, Part, SegmentBar, paint_swatch
from app.theme.widgets.labels import IconLabel, say
from engine import LoadedModelInfo, PagingInfo

_SWATCH_ROOM: Final = 17
_BAR_WIDTH: Final = 440  # longest


class PartLegend(PaintedRow):
    """The parts of a bar with their sizes, side by side."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, appearance.theme.line("small"), parent)
        self._parts: tuple[PagingPart, ...] = ()

    def show_parts(self, parts: tuple[PagingPart, ...]) -> None:
        """Show other numbers."""
        if parts != self._parts:
            self._parts = parts
            self.setAccessibleName(", ".join(map(part_words, parts)))
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a swatch and words for each part."""
        painter = self._begin()
        font = self._font("small")
        metrics = QFontMetrics(font)
        painter.setFont(font)
        left = 0
        for part in self._parts:
            paint_swatch(painter, self._appearance, QPointF(left, self.height() / 2), part.role)
            left += _SWATCH_ROOM
            painter.setPen(self._appearance.theme.color("text"))
            words = metrics.elidedText(part_words(part), Qt.TextElideMode.ElideRight, max(0, self.width() - left))
            painter.drawText(
                QRect(left, 0, max(0, self.width() - left), self.height()), Qt.AlignmentFlag.AlignVCenter, words
            )
            left += metrics.horizontalAdvance(words) + self._appearance.theme.space("l")


class PagingRow(QWidget):
    """One model.

    Attributes:
        bar: its weights, by where they are.
        sentence: the same and more in words.
        speed: how fast it is, and was predicted to be.
    """

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # so that those who do not see it can have it read
        self._appearance = appearance
        self._name = QLabel(self)
        self._chip = IconChip(appearance, "paging", "Paged", "warn", self)
        self.legend = PartLegend(appearance, self)
        self.speed = QuietText(appearance, self)
        self.bar = SegmentBar(appearance, "Weights", self)
        self.sentence = SentenceText(appearance, self, lines=1)
        self._note = QWidget(self)
        self._note_words = QLabel(self)
        self._lay_out()

    def show_model(self, entry: LoadedModelInfo, paging: PagingInfo) -> None:
        """Show a model as it is now."""
        say(self._name, shortened(entry.info.id))
        self._name.setToolTip(entry.info.id)
        parts = paging_parts(paging)
        self.legend.show_parts(parts)
        self.speed.say(speed_of(paging))
        lead, rest = paging_sentence(entry, paging)
        self.sentence.show_sentence(Sentence(lead, rest))
        whole = max(1, sum(part.size_bytes for part in parts))
        described = ", ".join(map(part_words, parts))
        self.bar.set_parts([Part(part.size_bytes / whole, part.role) for part in parts], described)
        say(self._note_words, paging.note)
        self._note.setVisible(bool(paging.note))
        self._chip.explain(f"It takes {size_words(entry.memory_bytes)} of memory, less than its weights.")
        self.setAccessibleName(f"{entry.info.id} is paged")
        spoken = " ".join(filter(None, (f"{lead} {rest}", f"{speed_of(paging)}.".lstrip("."), paging.note)))
        if spoken != self.accessibleDescription():
            self.setAccessibleDescription(spoken)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._name.setProperty("role", "strong")
        self._name.setTextFormat(Qt.TextFormat.PlainText)
        head = QHBoxLayout()
        head.setSpacing(theme.space("s"))
        head.addWidget(self._name)
        head.addWidget(self._chip)
        head.addWidget(self.speed, 1)
        meter = QHBoxLayout()
        meter.setSpacing(theme.space("l"))
        self.bar.setMaximumWidth(_BAR_WIDTH)
        meter.addWidget(self.bar, 1)
        meter.addWidget(self.legend, 1)
        self._note_words.setWordWrap(True)
        self._note_words.setMinimumWidth(1)
        self._note_words.setProperty("role", "small")
        self._note_words.setTextFormat(Qt.TextFormat.PlainText)
        note = QHBoxLayout(self._note)
        note.setContentsMargins(0, 0, 0, 0)
        note.setSpacing(theme.space("s"))
        note.addWidget(IconLabel(self._appearance, "warning", "warning"), 0, Qt.AlignmentFlag.AlignTop)
        note.addWidget(self._note_words, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space("s"))
        column.addLayout(head)
        column.addLayout(meter)
        column.addWidget(self.sentence)
        column.addWidget(self._note)


class PagingCard(QFrame):
    """A row for each paged model; hidden while there is none.

    Attributes:
        rows: of the models, in their order.
    """

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.setProperty("region", True)
        self.setAccessibleName("Models that are larger than their memory")
        self._appearance = appearance
        self.rows: list[PagingRow] = []
        theme = appearance.theme
        self._column = QVBoxLayout(self)
        edge = theme.space("l")
        self._column.setContentsMargins(edge, theme.space("m"), edge, theme.space("m"))
        self._column.setSpacing(theme.space("l"))
        self.hide()

    def show_models(self, loaded: Sequence[LoadedModelInfo]) -> None:
        """Show those models that are paged."""
        paged = [(entry, entry.paging) for entry in loaded if entry.paging is not None]
        while len(self.rows) > len(paged):
            row = self.rows.pop()
            row.hide()
            row.deleteLater()
        while len(self.rows) < len(paged):
            self.rows.append(PagingRow(self._appearance, self))
            self._column.addWidget(self.rows[-1])
        for row, (entry, paging) in zip(self.rows, paged, strict=True):
            row.show_model(entry, paging)
        self.setVisible(bool(paged))
