"""PickerButton: a flat button that says what is chosen and opens a menu of what could be."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QStyle, QStyleOptionToolButton, QToolButton, QWidget

from app.theme import Appearance

_PADDING = 8
_GAP = 6
_DOT = 8
_MOST_NAME = 180


@dataclass(frozen=True, slots=True)
class Option:
    """One line of the menu."""

    key: str
    words: str
    hint: str = ""


class PickerButton(QToolButton):
    """A choice in the composer's row.

    Signals:
        picked: key of the option that was chosen from the menu.
        also_picked: key of an option of the menu's second part.
        opened: the menu is shown.

    Thread: UI only.
    """

    picked = Signal(str)
    also_picked = Signal(str)
    opened = Signal()

    def __init__(self, appearance: Appearance, name: str, keys: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._name = name
        self._keys = keys  # named in the tooltip; the page owns the shortcut
        self._words, self._muted = "", ""
        self._dot: str | None = None
        self._is_ring = False
        self._options: tuple[Option, ...] = ()
        self._chosen = ""
        self._also: tuple[tuple[Option, ...], str] = ((), "")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setFixedHeight(appearance.theme.size("control-small"))
        self.clicked.connect(self.open_menu)
        appearance.changed.connect(self.update)

    def show_choice(self, words: str, muted: str = "", dot: str | None = None, *, is_ring: bool = False) -> None:
        """Say what is chosen.

        Args:
            words: the choice.
            muted: more about it.
            dot: colour role of the state dot before it; None for no dot.
            is_ring: paint the dot hollow.
        """
        self._words, self._muted, self._dot, self._is_ring = words, muted, dot, is_ring
        self.setAccessibleName(f"{self._name}: {words} {muted}".strip())
        self.setToolTip(f"{self._name}: {words} {muted}".strip() + f" ({self._keys})")
        self.setFixedWidth(self.sizeHint().width())
        self.update()

    def offer(self, options: Sequence[Option], chosen: str) -> None:
        """Set the lines of the menu."""
        self._options, self._chosen = tuple(options), chosen

    def also_offer(self, options: Sequence[Option], chosen: str) -> None:
        """Set the lines of a second part of the menu, which is another choice."""
        self._also = (tuple(options), chosen)

    def open_menu(self) -> None:
        """Show the menu above the button."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.setAccessibleName(self._name)
        self._add(menu, self._options, self._chosen).triggered.connect(self._on_picked)
        if self._also[0]:
            menu.addSeparator()
            self._add(menu, *self._also).triggered.connect(self._on_also_picked)
        self.opened.emit()
        menu.popup(self.mapToGlobal(QPoint(0, -menu.sizeHint().height() - 4)))

    def _add(self, menu: QMenu, options: Sequence[Option], chosen: str) -> QActionGroup:
        group = QActionGroup(menu)
        for option in options:
            action = QAction(f"{option.words}\t{option.hint}" if option.hint else option.words, menu)
            action.setCheckable(True)
            action.setChecked(option.key == chosen)
            action.setData(option.key)
            group.addAction(action)
            menu.addAction(action)
        return group

    def sizeHint(self) -> QSize:
        """Room for the words."""
        theme = self._appearance.theme
        words = min(QFontMetrics(theme.font("strong")).horizontalAdvance(self._words), _MOST_NAME)
        muted = QFontMetrics(theme.font("small")).horizontalAdvance(self._muted)
        dot = _DOT + _GAP if self._dot else 0
        muted_room = muted + _GAP if muted else 0
        width = 2 * _PADDING + dot + words + muted_room + _GAP + theme.size("icon-small")
        return QSize(width, theme.size("control-small"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint dot, words and chevron on the style's own ground."""
        option = QStyleOptionToolButton()
        self.initStyleOption(option)
        option.text = ""
        painter = QPainter(self)
        self.style().drawComplexControl(QStyle.ComplexControl.CC_ToolButton, option, painter, self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left = self._paint_dot(painter)
        left = self._paint_words(painter, left, self._words, "strong", "text", _MOST_NAME)
        if self._muted:
            left = self._paint_words(painter, left, self._muted, "small", "text-muted", self.width())
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        icon = theme.icon("chevron-down", "text-muted", edge)
        icon.paint(painter, QRect(left, (self.height() - edge) // 2, edge, edge))

    def _paint_dot(self, painter: QPainter) -> int:
        if self._dot is None:
            return _PADDING
        color = self._appearance.theme.color(self._dot)
        painter.setPen(color)
        painter.setBrush(Qt.BrushStyle.NoBrush if self._is_ring else color)
        painter.drawEllipse(QRectF(_PADDING + 0.5, (self.height() - _DOT) / 2 + 0.5, _DOT - 1, _DOT - 1))
        return _PADDING + _DOT + _GAP

    def _paint_words(self, painter: QPainter, left: int, words: str, type_name: str, role: str, most: int) -> int:
        theme = self._appearance.theme
        font = theme.font(type_name)
        metrics = QFontMetrics(font)
        shown = metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, most)
        painter.setFont(font)
        painter.setPen(theme.color(role))
        width = metrics.horizontalAdvance(shown)
        painter.drawText(QRect(left, 0, width + 1, self.height()), Qt.AlignmentFlag.AlignVCenter, shown)
        return left + width + _GAP

    def _on_picked(self, action: QAction) -> None:
        self.picked.emit(str(action.data()))

    def _on_also_picked(self, action: QAction) -> None:
        self.also_picked.emit(str(action.data()))
