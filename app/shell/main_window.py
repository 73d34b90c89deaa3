"""MainWindow: rail, pages and status strip. It lays out; the pages own themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QPaintEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.shell.rail import Rail
from app.shell.status_strip import StatusStrip
from app.theme import Appearance
from app.theme.widgets import Banner, FocusRing, Kind, Notices


class Page(Protocol):
    """What the window asks of a page, besides being a QWidget named `page`."""

    def focus_first(self) -> None:
        """Give the keyboard to the first useful control."""


@dataclass(frozen=True, slots=True)
class PageEntry:
    """A page in the rail: its short name for the settings, its title, its icon, its widget.

    Those that are `apart` come last, and stand at the bottom of the rail.
    """

    name: str
    title: str
    icon: str
    widget: QWidget
    apart: bool = False


class MainWindow(QMainWindow):
    """The only window.

    Attributes:
        banner: what went wrong.
        notice: what should be known or decided, whatever else is reported.
        notices: those who speak there, one after the other.

    Signals:
        close_requested: the person wants to leave; the window stays until it is told to close, so that the one
            shutdown path can end everything first.
        painted: the window was painted for the first time.
        page_changed: name of the page that is shown now.
    """

    close_requested = Signal()
    painted = Signal()
    page_changed = Signal(str)

    def __init__(self, appearance: Appearance, app: QApplication, entries: Sequence[PageEntry]) -> None:
        super().__init__()
        self.setWindowTitle("Hearth")
        self.setMinimumSize(1024, 640)
        self.resize(1280, 800)
        self._entries = tuple(entries)
        self._was_painted = False
        foot = sum(entry.apart for entry in entries)
        self.rail = Rail(appearance, [(entry.title, entry.icon) for entry in entries], self, foot=foot)
        self.stack = QStackedWidget(self)
        self.strip = StatusStrip(appearance, self)
        self.banner = Banner(appearance, self)
        self.notice = Banner(appearance, self)
        self.notices = Notices(self.notice, self)
        self.ring = FocusRing(appearance, self, app)
        self._lay_out(appearance)
        self.rail.chosen.connect(self.show_page)
        for index in range(len(self._entries)):  # no shortcuts of buttons: those act a tenth of a second later
            QShortcut(QKeySequence(f"Ctrl+{index + 1}"), self, partial(self._open_by_key, index))
        QShortcut(QKeySequence(Qt.Key.Key_F6), self, lambda: self._next_region(1))
        QShortcut(QKeySequence("Shift+F6"), self, lambda: self._next_region(-1))
        QShortcut(QKeySequence.StandardKey.Quit, self, self.close)
        self.show_page(0)

    @property
    def page_name(self) -> str:
        """Name of the page that is shown."""
        return self._entries[self.stack.currentIndex()].name

    @property
    def entries(self) -> tuple[PageEntry, ...]:
        """The pages, as in the rail."""
        return self._entries

    def open_page(self, name: str) -> None:
        """Show the page of this name and give it the keyboard."""
        self.show_named(name)
        self.focus_page()

    def show_page(self, index: int) -> None:
        """Show a page and mark it in the rail."""
        self.stack.setCurrentIndex(index)
        self.rail.mark(index)
        self.setWindowTitle(f"{self._entries[index].title} – Hearth")
        self.page_changed.emit(self._entries[index].name)

    def show_named(self, name: str) -> None:
        """Show the page of this name; an unknown name changes nothing."""
        for index, entry in enumerate(self._entries):
            if entry.name == name:
                self.show_page(index)

    def focus_page(self) -> None:
        """Give the keyboard to the page that is shown."""
        cast("Page", self._page).focus_first()

    def report(self, kind: Kind, cause: str, remedy: str, button: str = "") -> None:
        """Show a message above whatever page is open; `banner.pressed` tells that its button was used."""
        self.banner.show_message(kind, cause, remedy, button)

    def clear_report(self) -> None:
        """Take the message away."""
        self.banner.clear()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask instead of closing: work in flight ends first."""
        event.ignore()
        self.close_requested.emit()

    def showEvent(self, event: QShowEvent) -> None:
        """Let the focus ring tell keys from clicks."""
        super().showEvent(event)
        self.ring.attach()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Say once that the window is there."""
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self.painted.emit)

    def _lay_out(self, appearance: Appearance) -> None:
        for entry in self._entries:
            entry.widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
            self.stack.addWidget(entry.widget)
        theme = appearance.theme
        self._banner_room = QWidget(self)
        self._banner_room.setObjectName("page")
        self._banner_room.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._banner_room.hide()
        room = QVBoxLayout(self._banner_room)
        room.setContentsMargins(theme.space("xl"), theme.space("l"), theme.space("xl"), 0)
        room.setSpacing(theme.space("s"))
        for banner in (self.banner, self.notice):
            room.addWidget(banner)
            banner.shown_or_hidden.connect(self._fit_banner_room)
        content = QVBoxLayout()
        content.setSpacing(0)
        content.addWidget(self._banner_room)
        content.addWidget(self.stack, 1)
        upper = QHBoxLayout()
        upper.setSpacing(0)
        upper.addWidget(self.rail)
        upper.addLayout(content, 1)
        middle = QWidget(self)
        whole = QVBoxLayout(middle)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(upper, 1)
        whole.addWidget(self.strip)
        self.setCentralWidget(middle)

    def _fit_banner_room(self) -> None:
        self._banner_room.setHidden(self.banner.isHidden() and self.notice.isHidden())

    def _open_by_key(self, index: int) -> None:
        self.show_page(index)
        self.focus_page()

    @property
    def _page(self) -> QWidget:
        return self._entries[self.stack.currentIndex()].widget

    def _regions(self) -> list[QWidget]:
        """Rail, then the parts of the page that call themselves a region, top left first."""
        page = self._page
        parts = [part for part in page.findChildren(QWidget) if part.property("region") and part.isVisible()]
        return [self.rail, *(parts or [page])]

    def _next_region(self, step: int) -> None:
        regions = self._regions()
        focused = QApplication.focusWidget()
        at = next((i for i, region in enumerate(regions) if focused and region.isAncestorOf(focused)), 0)
        region = regions[(at + step) % len(regions)]
        if region is self.rail:
            self.rail.focus_first()
        elif region is self._page:
            self.focus_page()
        else:
            _focus_inside(region)


def _focus_inside(region: QWidget) -> None:
    candidates = [region, *region.findChildren(QWidget)]
    for widget in candidates:
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.isEnabled():
            widget.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
