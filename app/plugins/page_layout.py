"""PageLayout: header, search, table and details; the details lie over the page where there is no room beside it."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QLineEdit, QMenu, QPushButton, QVBoxLayout, QWidget

from app.plugins.detail_pane import DetailPane
from app.plugins.empty_card import EmptyCard
from app.plugins.plugin_table import PluginTable
from app.theme import Appearance
from app.theme.widgets import Banner, PageHeader, SideRoom
from engine import PluginInfo, PluginState


class PageLayout:
    """The widgets of the page, and how they share its room.

    Attributes:
        search: words that the listed plugins must have.
        banner: what did not work.
        table: the plugins.
        empty: what to do while no stranger's plugin is installed.
        pane: details of the chosen plugin.
        zip_action: of the menu of "Install…".
        folder_action: likewise.
    """

    def __init__(self, appearance: Appearance, page: QWidget) -> None:
        self._appearance = appearance
        self._page = page
        self._count = QLabel(page)
        self._install = QPushButton("Install…", page)
        self._header = self._make_header()
        self.search = QLineEdit(page)
        self._find = QAction(self.search)
        self.banner = Banner(appearance, page)
        self.table = PluginTable(appearance, page)
        self.empty = EmptyCard(appearance, page)
        self.pane = DetailPane(appearance, page)
        menu = QMenu(self._install)
        self.zip_action = QAction("From a zip file…", menu)
        self.folder_action = QAction("From a folder…", menu)
        menu.addActions([self.zip_action, self.folder_action])
        self._install.setMenu(menu)
        self._lay_out()
        self._set_up()
        self._restyle()
        appearance.changed.connect(self._restyle)

    @property
    def is_wide(self) -> bool:
        """Whether the details have their place beside the list."""
        return self._body.is_wide

    def show_counts(self, plugins: Sequence[PluginInfo], installing: int) -> None:
        """Say how many plugins there are, and are being installed; offer to install the first one of a stranger."""
        active = sum(info.state is PluginState.ACTIVE for info in plugins)
        said = f"{active} of {len(plugins)} active" if plugins else "Looking for plugins"
        doing = f" · installing {installing} plugin{'' if installing == 1 else 's'}…" if installing else ""
        self._count.setText(said + doing)
        is_alone = all(info.is_bundled for info in plugins)
        self.empty.setVisible(is_alone and not self.search.text())

    def set_has_details(self, has_details: bool) -> None:
        """Say whether a plugin is chosen."""
        self._body.set_has_details(has_details)
        self.fit()

    def open_details(self) -> None:
        """Show the details of the chosen plugin, over the page if need be."""
        self._body.set_open(True)
        self.fit()

    def close_details(self) -> None:
        """Take the details away from over the page, and give the keyboard back to the list."""
        self._body.set_open(False)
        self.fit()
        self.table.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def fit(self) -> None:
        """Place the details: beside the list, over it, or nowhere."""
        self._body.place(self._header.height())

    def _set_up(self) -> None:
        self.search.setPlaceholderText("Search plugins")
        self.search.setAccessibleName("Search plugins by name, offer, author or state")
        self.search.setToolTip(f"Search plugins ({QKeySequence('Ctrl+F').toString()})")
        self.search.setClearButtonEnabled(True)
        self.search.setAcceptDrops(False)  # a zip that is dropped here is meant for the page, too
        self.search.addAction(self._find, QLineEdit.ActionPosition.LeadingPosition)
        self._install.setAccessibleName("Install a plugin")
        self._install.setToolTip(f"Install a zip ({QKeySequence('Ctrl+O').toString()}) or a folder, or drop it here")
        self._count.setProperty("muted", True)
        self.pane.close_pressed.connect(self.close_details)
        for keys, slot in (("Ctrl+F", self._focus_search), ("Ctrl+O", self.zip_action.trigger)):
            shortcut = QShortcut(QKeySequence(keys), self._page, slot)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def _focus_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _make_header(self) -> PageHeader:
        header = PageHeader(self._appearance, "Plugins", self._page)
        header.row.addWidget(self._count, 1)
        header.row.addWidget(self._install)
        return header

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        main = QVBoxLayout()
        main.setContentsMargins(theme.space("xl"), theme.space("l"), theme.space("xl"), theme.space("l"))
        main.setSpacing(theme.space("l"))
        main.addWidget(self.banner)
        main.addWidget(self.search)
        main.addWidget(self.table, 1000)  # as high as its rows, and no higher
        main.addWidget(self.empty)
        main.addStretch(1)
        self._body = SideRoom(self._page, main, self.pane)
        whole = QVBoxLayout(self._page)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._header)
        whole.addLayout(self._body, 1)

    def _restyle(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        self._find.setIcon(theme.icon("search", "text-muted", edge))
        self._install.setIcon(theme.icon("plus", "text", edge))
