"""PageLayout: header, list or Discover, the tray at the foot of both, and the details beside or over the list."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.models.detail_pane import DetailPane
from app.models.installed_pane import InstalledPane
from app.theme import Appearance
from app.theme.widgets import PageHeader, Segmented, SideRoom

INSTALLED = "Installed"
DISCOVER = "Discover"
_NOTHING = (0, 0, 0, 0)


class PageLayout:
    """The widgets of the page, and how they share its room.

    Attributes:
        views: which of the two is shown.
        import_button: takes a file from elsewhere.
        get_button: leads to Discover.
        stack: list, then Discover once it was opened.
        tray_room: where the tray stands, once there is one.
        pane: details of the chosen model.
    """

    def __init__(self, appearance: Appearance, page: QWidget, installed: InstalledPane, pane: DetailPane) -> None:
        self._appearance = appearance
        self._page = page
        self._installed = installed
        self._of_list: list[QShortcut] = []  # Discover has its own for the same keys
        self.pane = pane
        self.views = Segmented("Which models are shown", (INSTALLED, DISCOVER), page)
        self.import_button = QPushButton("Import file", page)
        self.get_button = QPushButton("Get a model", page)
        self.stack = QStackedWidget(page)
        self.tray_room = QVBoxLayout()
        self._header = self._make_header()
        self._lay_out()
        self._set_up()
        self._restyle()
        appearance.changed.connect(self._restyle)

    @property
    def is_wide(self) -> bool:
        """Whether the details have their place beside the list."""
        return self._body.is_wide

    def set_has_details(self, has_details: bool) -> None:
        """Say whether a model is chosen."""
        self._body.set_has_details(has_details)
        self.fit()

    def open_details(self) -> None:
        """Show the details of the chosen model, over the page if need be."""
        self._body.set_open(True)
        self.fit()

    def close_details(self) -> None:
        """Take the details away from over the page, and give the keyboard back to the list."""
        self._body.set_open(False)
        self.fit()
        self._installed.table.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def fit(self) -> None:
        """Place the details: beside the list, over it, or nowhere."""
        theme = self._appearance.theme
        is_list = self.stack.currentWidget() is self._installed
        for shortcut in self._of_list:
            shortcut.setEnabled(is_list)
        is_shown = self._body.place(self._header.height(), is_hidden=not is_list)
        right = theme.space("l") if self.is_wide and is_shown else theme.space("xl")
        self._installed.leave_room(right)
        self.tray_room.setContentsMargins(*((theme.space("xl"), 0, right, theme.space("l")) if is_list else _NOTHING))

    def _set_up(self) -> None:
        self.views.choose(INSTALLED)
        self.import_button.setAccessibleName("Import a model file")
        self.import_button.setToolTip(
            f"Take a GGUF or ONNX file into Hearth ({QKeySequence('Ctrl+O').toString()}), or drop it here"
        )
        self.get_button.setAccessibleName("Get a model")
        self.get_button.setToolTip("Recommended models, and the search of the hub")
        self.pane.close_pressed.connect(self.close_details)
        of_list = (("Ctrl+F", self._installed.bar.focus_search), ("F2", self._rename))
        for keys, slot in (("Ctrl+O", self.import_button.click), *of_list):
            shortcut = QShortcut(QKeySequence(keys), self._page, slot)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            if (keys, slot) in of_list:
                self._of_list.append(shortcut)

    def _rename(self) -> None:
        if self._body.has_details:
            self.open_details()
            self.pane.head.rename()

    def _make_header(self) -> PageHeader:
        header = PageHeader(self._appearance, "Models", self._page)
        row = header.row
        row.addSpacing(self._appearance.theme.space("m"))
        row.addWidget(self.views)
        row.addStretch(1)
        row.addWidget(self.import_button)
        row.addWidget(self.get_button)
        return header

    def _lay_out(self) -> None:
        self.stack.addWidget(self._installed)
        left = QVBoxLayout()
        left.setSpacing(0)
        left.addWidget(self.stack, 1)
        left.addLayout(self.tray_room)
        self._body = SideRoom(self._page, left, self.pane)
        whole = QVBoxLayout(self._page)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._header)
        whole.addLayout(self._body, 1)

    def _restyle(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        for button, icon in ((self.import_button, "folder"), (self.get_button, "plus")):
            button.setIcon(theme.icon(icon, "text", edge))
            button.setIconSize(QSize(edge, edge))
