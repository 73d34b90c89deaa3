"""DiscoverView: what Hearth recommends, what the hub has, and the model that is looked at beside it."""

from typing import Final
from urllib.parse import urlsplit

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.models.card_view import CardView
from app.models.discover_controller import DiscoverController, Phase
from app.models.discover_filters import DiscoverFilters
from app.models.discover_list import DiscoverList
from app.models.discover_note import DiscoverNote
from app.models.discover_rows import Find, rows_of
from app.models.token_dialog import TokenDialog
from app.models.words import counted
from app.theme import Appearance
from app.theme.widgets import Banner, SideRoom, WatchingPage

_MESSAGE: Final = "message"
_NARROW_MS: Final = 120  # after a key: the list is not made anew for every letter


class DiscoverView(WatchingPage):
    """Shows what the controller knows; nothing is fetched and nobody is asked before the person says so.

    Attributes:
        filters: what is looked for.
        banner: what did not work, or that Hearth works offline.
        list: what is found.
        note: why nothing is listed.
        pane: the model that is looked at.
        foot: below the list; the page puts its tray there.

    Signals:
        open_wanted: id of an installed model.

    Thread: UI only.
    """

    open_wanted = Signal(str)

    def __init__(self, appearance: Appearance, controller: DiscoverController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._controller = controller
        self._banner_for = ""
        self._told = Phase.NONE  # what of a search was announced
        self.filters = DiscoverFilters(appearance, controller.settings, self)
        self.banner = Banner(appearance, self)
        self.list = DiscoverList(appearance, self)
        self.note = DiscoverNote(appearance, self)
        self.pane = CardView(appearance, controller, self)
        self.foot = QVBoxLayout()
        self._narrowing = QTimer(self, singleShot=True, interval=_NARROW_MS)
        self._lay_out()
        self._connect()
        self._show()

    @property
    def is_wide(self) -> bool:
        """Whether the details have their place beside the list."""
        return self._body.is_wide

    def watch(self, is_seen: bool) -> None:
        """Look at the library and the downloads while this can be seen."""
        self._controller.watch(is_seen)
        if not is_seen:
            self._narrowing.stop()

    def focus_first(self) -> None:
        """Give the keyboard to the list, or to the search while it is empty."""
        target = self.list.view if self.list.isVisible() else self.filters.search
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def ask_for_token(self) -> TokenDialog:
        """Open the dialog for a token."""
        dialog = TokenDialog(self._appearance, self._controller.state, self)
        dialog.token_given.connect(self._controller.settings.set_token)
        dialog.open()
        return dialog

    def report(self, cause: str, remedy: str) -> None:
        """Say what did not work; it stays until it is closed."""
        self._banner_for = _MESSAGE
        self.banner.show_message("bad", cause, remedy)

    def event(self, event: QEvent) -> bool:
        """Take the keys of a search before the page does, whose list has one too."""
        if event.type() == QEvent.Type.ShortcutOverride and _is_find(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Begin to search."""
        if _is_find(event):
            self.filters.focus_search()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the details lie over the list when there is no room beside it."""
        super().resizeEvent(event)
        self._fit()

    # ------------------------------------------------------------------------------------------------------- showing

    def _connect(self) -> None:
        controller, filters = self._controller, self.filters
        controller.changed.connect(self._show)
        controller.detail_changed.connect(self._fit)
        controller.failed.connect(self.report)
        filters.changed.connect(self._narrowing.start)
        self._narrowing.timeout.connect(self._narrow)
        filters.ask_pressed.connect(self._ask)
        filters.cancel_pressed.connect(controller.cancel_search)
        filters.menu.token_pressed.connect(self.ask_for_token)
        self.note.ask_pressed.connect(self._ask)
        self.note.clear_pressed.connect(filters.clear)
        self.list.chosen.connect(controller.choose)
        self.list.view.clicked.connect(self._open_details)
        self.list.view.open_pressed.connect(self._on_open_pressed)
        self.pane.open_wanted.connect(self.open_wanted)
        self.pane.token_wanted.connect(self.ask_for_token)
        self.pane.close_pressed.connect(self._close_details)
        self.banner.pressed.connect(self._on_banner)
        self.banner.closed.connect(self._forget_banner)

    def _show(self) -> None:
        controller = self._controller
        rows = rows_of(controller)
        has_finds = any(isinstance(row, Find) for row in rows)
        self.list.show_rows(rows if has_finds else ())
        self.list.setVisible(has_finds)
        self.note.setVisible(not has_finds)
        self.note.show_now(controller, self._host)
        self.filters.show_asking(controller.phase is Phase.SEARCHING, self._host)
        self.filters.show_count(len(controller.recommended), len(controller.results))
        self._show_banner()
        self._announce()
        if has_finds and self.is_wide and not self.list.chosen_id:
            self.list.choose_first()

    def _announce(self) -> None:
        """Say once, to those who do not see it, what a search of the hub has found."""
        phase, was = self._controller.phase, self._told
        self._told = phase
        if phase is not was and phase in {Phase.FOUND, Phase.NOTHING}:
            found = counted(len(self._controller.results), "model")
            said = f"{found} found on the hub" if phase is Phase.FOUND else "Nothing found on the hub"
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, said))

    def _show_banner(self) -> None:
        controller = self._controller
        if controller.state.is_offline:
            key, said = "offline", "What Hearth recommends can be looked at. Searching and fetching need the network."
            message = ("info", "Hearth works offline.", said, "Go online")
        elif controller.phase is Phase.FAILED:
            key = f"failed {controller.error}"
            message = ("bad", *controller.error, "Try again")
        else:
            if self._banner_for.startswith(("offline", "failed")):
                self.banner.clear()
                self._banner_for = ""
            return
        if key != self._banner_for:
            self._banner_for = key
            self.banner.show_message(*message)  # type: ignore[arg-type]  # the first one is a kind

    def _on_banner(self) -> None:
        if self._controller.state.is_offline:
            self._controller.settings.set_offline(False)
        else:
            self._controller.search()

    def _forget_banner(self) -> None:
        if self._banner_for == _MESSAGE:
            self._banner_for = ""

    # ------------------------------------------------------------------------------------------------------- asking

    def _narrow(self) -> None:
        """Narrow what is recommended; choices beside the words ask the hub again where it was asked already."""
        controller, query = self._controller, self.filters.query
        has_asked = controller.phase is not Phase.NONE
        is_same_text = query.text == controller.query.text
        is_other = query != controller.query
        controller.narrow(query)
        if has_asked and is_same_text and is_other and controller.phase is not Phase.NONE:
            controller.search()

    def _ask(self) -> None:
        self._narrowing.stop()
        self._controller.narrow(self.filters.query)
        self._controller.search()

    # ------------------------------------------------------------------------------------------------------- details

    @property
    def _host(self) -> str:
        return urlsplit(self._controller.state.url).hostname or "the hub"

    def _open_details(self) -> None:
        self._body.set_has_details(self._controller.detail is not None)
        self._body.set_open(True)
        self._fit()

    def _on_open_pressed(self) -> None:
        self._open_details()
        self.pane.focus_first()

    def _close_details(self) -> None:
        self._body.set_open(False)
        self._fit()
        self.list.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _fit(self) -> None:
        """Place the details: beside the list, over it, or nowhere."""
        self._body.set_has_details(self._controller.detail is not None)
        self._body.place()

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        main = QVBoxLayout()
        main.setContentsMargins(theme.space("xl"), theme.space("l"), theme.space("xl"), theme.space("l"))
        main.setSpacing(theme.space("l"))
        main.addWidget(self.banner)
        main.addWidget(self.filters)
        main.addWidget(self.list, 1000)  # as high as its rows, and no higher
        main.addWidget(self.note, 1000)
        main.addStretch(1)
        main.addLayout(self.foot)
        self._body = SideRoom(self, main, self.pane)
        self._body.setContentsMargins(0, 0, 0, 0)
        self.setLayout(self._body)


def _is_find(event: QEvent) -> bool:
    return isinstance(event, QKeyEvent) and event.matches(QKeySequence.StandardKey.Find)
