"""FocusRing: the ring around the control that has the keyboard, drawn outside it, for keyboard users only."""

from contextlib import suppress

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTextEdit,
    QWidget,
)

from app.theme.appearance import Appearance

_OWN_MARK = (QAbstractItemView, QLineEdit, QAbstractSpinBox, QPlainTextEdit, QTextEdit)


class FocusRing(QWidget):
    """An overlay over one window that follows the focus when it was moved by a key.

    Text inputs and item views mark themselves. Only the native window and the focused control are filtered: a filter
    on the application would run Python for every event of the program.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, window: QWidget, app: QApplication) -> None:
        super().__init__(window)
        self._appearance = appearance
        self._target: QWidget | None = None
        self._bar: QScrollBar | None = None  # of the area that the target scrolls in: it moves without a move event
        self._by_key = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        appearance.changed.connect(self.update)
        app.focusChanged.connect(self._on_focus_changed)
        self.hide()

    def attach(self) -> None:
        """Start to tell keys from clicks; called once the window has been shown and so has a native handle."""
        handle = self.window().windowHandle()
        if handle is not None:
            handle.installEventFilter(self)

    @property
    def target(self) -> QWidget | None:
        """The control with the ring."""
        return self._target

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Watch the window's input and the target's place; nothing is taken away."""
        kind = event.type()
        if kind == QEvent.Type.KeyPress:
            self._by_key = True
        elif kind in (QEvent.Type.MouseButtonPress, QEvent.Type.TouchBegin):
            self._by_key = False
            self._follow(None)
        elif watched is self._target and kind in (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show):
            self._place()
        elif watched is self._target and kind == QEvent.Type.Hide:
            self._follow(None)
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ring just inside this overlay's edge."""
        theme = self._appearance.theme
        width = theme.size("focus-ring")
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("focus"), width))
        inset = width / 2
        radius = theme.radius("small") + 3
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), radius, radius)

    def _on_focus_changed(self, _old: QWidget | None, now: QWidget | None) -> None:
        self._follow(now if self._by_key else None)

    def _follow(self, target: QWidget | None) -> None:
        is_ours = target is not None and self.window().isAncestorOf(target) and not isinstance(target, _OWN_MARK)
        wanted = target if is_ours else None
        if wanted is not self._target:
            if self._target is not None:
                self._target.removeEventFilter(self)
            if wanted is not None:
                wanted.installEventFilter(self)
            self._target = wanted
            self._follow_bar(_bar_around(wanted))
        self.setVisible(wanted is not None)
        self._place()

    def _follow_bar(self, bar: QScrollBar | None) -> None:
        if self._bar is not None:
            with suppress(RuntimeError):  # the area is gone, and its bar with it
                self._bar.valueChanged.disconnect(self._on_scrolled)
        self._bar = bar
        if bar is not None:
            bar.valueChanged.connect(self._on_scrolled)

    def _on_scrolled(self, _value: int) -> None:
        """Go along, and out of sight with the target."""
        self.setVisible(self._target is not None and not self._target.visibleRegion().isEmpty())
        self._place()

    def _place(self) -> None:
        if self._target is None:
            return
        theme = self._appearance.theme
        room = theme.size("focus-ring") + theme.size("focus-offset")
        corner = self._target.mapTo(self.window(), self._target.rect().topLeft())
        self.setGeometry(self._target.rect().translated(corner).adjusted(-room, -room, room, room))
        self.raise_()


def _bar_around(widget: QWidget | None) -> QScrollBar | None:
    """The vertical scroll bar of the nearest area that a widget scrolls in."""
    parent = widget.parentWidget() if widget is not None else None
    while parent is not None:
        if isinstance(parent, QAbstractScrollArea):
            return parent.verticalScrollBar()
        parent = parent.parentWidget()
    return None
