"""RecipeTable: what can be made of a model: a row for each recipe, one of them chosen."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QFrame, QVBoxLayout, QWidget

from app.models.words import size_words
from app.theme import Appearance
from app.theme.brush import Brush
from app.usage import NBSP, percent
from engine import RecipeForecast

_INSET: Final = 14
_MARK: Final = 16
_SIZE: Final = 96
_SMALLER: Final = 72
_SPEED: Final = 72


def smaller_words(size_bytes: int, source_bytes: int) -> str:
    """How much smaller a result is: `-70 %`."""
    return f"−{percent(max(0.0, 1 - size_bytes / source_bytes))}" if source_bytes else ""


def speedup_words(speedup: float) -> str:
    """How many times as fast: `2.6×`."""
    return f"{speedup:.1f}{NBSP}×"


def type_words(forecast: RecipeForecast) -> str:
    """Type of the weights and their bits: `Q4_K_M · 4.9 bits`."""
    recipe = forecast.recipe
    return f"{recipe.id.upper()} · {recipe.bits:g}{NBSP}bits"


class RecipeRow(QAbstractButton):
    """A recipe; arrow keys move between the rows of a table.

    Attributes:
        forecast: what it would make of the model.
    """

    def __init__(self, appearance: Appearance, forecast: RecipeForecast, source_bytes: int, parent: QWidget) -> None:
        super().__init__(parent)
        self.forecast = forecast
        self._appearance = appearance
        self._brush = Brush(appearance)
        self._smaller = smaller_words(forecast.size_bytes, source_bytes)
        self._is_first = False
        self._by_key = False
        self.setCheckable(True)
        self.setAutoExclusive(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedHeight(appearance.theme.size("row-double"))
        advice = "recommended, " if forecast.is_recommended else ""
        self.setAccessibleName(
            f"{forecast.recipe.name}, {advice}{type_words(forecast)}, {size_words(forecast.size_bytes)}, "
            f"{self._smaller}, {speedup_words(forecast.speedup)} as fast"
        )
        self.setAccessibleDescription(forecast.reason or forecast.recipe.explanation)
        self.setToolTip(forecast.recipe.explanation)
        self.toggled.connect(self.update)
        appearance.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(1, self.height())

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the ring to those who came by a key."""
        super().focusInEvent(event)
        self._by_key = event.reason() not in (Qt.FocusReason.MouseFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
        self.update()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Hover."""
        super().enterEvent(event)
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        """Hover no more."""
        super().leaveEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the row."""
        painter, brush, rect = QPainter(self), self._brush, self.rect()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.isChecked():
            painter.fillRect(rect, brush.color("selection"))
        elif self.underMouse():
            painter.fillRect(rect, brush.color("hover"))
        painter.fillRect(QRect(0, 0, self.width(), 1), brush.color("border"))
        self._paint_mark(painter)
        forecast, left = self.forecast, _INSET + _MARK + 10
        room = self.width() - left - _SIZE - _SMALLER - _SPEED - _INSET
        weight = 600 if self.isChecked() else 500
        used = brush.write(painter, QRect(left, 8, room, 20), "body", "text", forecast.recipe.name, weight=weight)
        if forecast.is_recommended:
            self._paint_advice(painter, left + used + 8, left + room)
        brush.write(painter, QRect(left, 27, room, 16), "small", "text-muted", type_words(forecast))
        at = self.width() - _INSET - _SPEED - _SMALLER - _SIZE
        for words, width, role in (
            (size_words(forecast.size_bytes), _SIZE, "text"),
            (self._smaller, _SMALLER, "text-muted"),
            (speedup_words(forecast.speedup), _SPEED, "text"),
        ):
            brush.write(painter, QRect(at, 0, width, self.height()), "body", role, words, right=True)
            at += width
        if self.hasFocus() and self._by_key:
            brush.ring(painter, QRectF(rect))

    def _paint_mark(self, painter: QPainter) -> None:
        brush = self._brush
        mark = QRectF(_INSET + 0.5, (self.height() - _MARK) / 2 + 0.5, _MARK - 1, _MARK - 1)
        is_on = self.isChecked()
        painter.setPen(QPen(brush.color("accent" if is_on else "border-strong"), 5 if is_on else 1))
        painter.setBrush(brush.color("accent-text" if is_on else "raised"))
        painter.drawEllipse(mark.adjusted(2, 2, -2, -2) if is_on else mark)

    def _paint_advice(self, painter: QPainter, left: int, right: int) -> None:
        brush, words = self._brush, "Recommended"
        width, height = brush.chip_width(words), 18
        if left + width <= right:
            chip = QRectF(left, 9, width, height)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(brush.color("accent-fill"))
            painter.drawRoundedRect(chip, 6, 6)
            brush.write(painter, chip.toRect().adjusted(8, 0, 0, 0), "small", "accent-ink", words, weight=500)


class RecipeHead(QWidget):
    """Column titles."""

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(parent)
        self._brush = Brush(appearance)
        self.setFixedHeight(appearance.theme.size("table-header"))
        appearance.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the titles over their columns."""
        painter, write = QPainter(self), self._brush.write
        whole = self.rect()
        write(painter, whole.adjusted(_INSET, 0, 0, 0), "small", "text-muted", "Recipe", weight=500)
        at = self.width() - _INSET - _SPEED - _SMALLER - _SIZE
        for words, width in (("Size", _SIZE), ("Smaller", _SMALLER), ("Speed", _SPEED)):
            write(painter, QRect(at, 0, width, self.height()), "small", "text-muted", words, weight=500, right=True)
            at += width


class RecipeTable(QFrame):
    """Chooses a recipe; the recommended one is chosen at first.

    Attributes:
        rows: largest first.

    Signals:
        chosen: another recipe is chosen.
    """

    chosen = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self._appearance = appearance
        self._group = QButtonGroup(self)
        self.rows: tuple[RecipeRow, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 8)
        self._column.setSpacing(0)
        self._column.addWidget(RecipeHead(appearance, self))

    @property
    def forecast(self) -> RecipeForecast | None:
        """The recipe that is chosen."""
        return next((row.forecast for row in self.rows if row.isChecked()), None)

    def show_recipes(self, forecasts: Sequence[RecipeForecast], source_bytes: int) -> None:
        """Offer these.

        Args:
            forecasts: largest first.
            source_bytes: size of the model that they are for.
        """
        self.rows = tuple(RecipeRow(self._appearance, forecast, source_bytes, self) for forecast in forecasts)
        for row in self.rows:
            self._group.addButton(row)
            self._column.addWidget(row)
            row.clicked.connect(self.chosen)
        best = next((row for row in self.rows if row.forecast.is_recommended), self.rows[0] if self.rows else None)
        if best is not None:
            best.setChecked(True)
