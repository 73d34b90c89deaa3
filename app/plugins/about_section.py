"""AboutSection: who made a plugin, where it lies, and which files these are."""

import re

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.plugins.actions import Action, name_for
from app.plugins.sections import Act, Section
from app.plugins.wording import as_tooltip, line, short_digest, web_address
from app.theme import Appearance
from app.theme.widgets import ElidedLabel, IconButton
from app.theme.widgets.labels import say, text_label
from engine import PluginInfo

_ORIGIN = re.compile(r"https?://[^/?#]*")


class LinkButton(QPushButton):
    """A web address that is opened only when it is pressed.

    A long one is shortened so that the end of the host's name, which decides whose it is, can always be seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("link", True)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._address = ""

    def show_address(self, address: str) -> None:
        """Show an address, which says where the button leads."""
        self._address = address
        self.setToolTip(as_tooltip(f"Open {address} in the browser"))
        self._fit()

    def resizeEvent(self, event: object) -> None:
        """Show as much as there is room for."""
        self._fit()

    def sizeHint(self) -> QSize:
        """Room for the whole address."""
        return QSize(self.fontMetrics().horizontalAdvance(self._address), super().sizeHint().height())

    def _fit(self) -> None:
        metrics = self.fontMetrics()
        origin = _ORIGIN.match(self._address)
        if origin is None or metrics.horizontalAdvance(f"{origin[0]}/…") <= self.width():
            shown = metrics.elidedText(self._address, Qt.TextElideMode.ElideRight, self.width())
        else:
            shown = metrics.elidedText(origin[0], Qt.TextElideMode.ElideLeft, self.width())
        words = shown.replace("&", "&&")  # an ampersand would be read as a key
        if self.text() != words:
            self.setText(words)


class AboutSection(Section):
    """Author, licence, homepage, API, folder, digest; rows without a value are left out."""

    def __init__(self, appearance: Appearance, act: Act, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "About", parent)
        self._appearance = appearance
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(appearance.theme.space("l"))
        self._grid.setVerticalSpacing(appearance.theme.space("xs"))
        self._grid.setColumnStretch(1, 1)
        self.column.addLayout(self._grid)
        self._rows: list[tuple[QLabel, QWidget]] = []
        self._author, self._licence, self._no_link, self._api, self._folder = (ElidedLabel() for _ in range(5))
        self.link = LinkButton()
        self.link.clicked.connect(lambda: act(Action.HOMEPAGE))
        self._digest = QLabel()
        self._copy = IconButton(appearance, "copy", "Copy the SHA-256", small=True)
        self._copy.clicked.connect(lambda: act(Action.DIGEST))
        for title, widget in (
            ("Author", self._author),
            ("Licence", self._licence),
            ("Homepage", self.link),
            ("Homepage", self._no_link),
            ("Plugin API", self._api),
            ("Folder", self._folder),
            ("SHA-256", self._digest_row()),
        ):
            self._add(title, widget)

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        return (info.author, info.licence, info.homepage, info.folder, info.digest, info.api)

    def _show(self, info: PluginInfo) -> None:
        address = web_address(info.homepage)
        say(self._author, line(info.author) or "not said")
        say(self._licence, line(info.licence) or "not said")
        self.link.show_address(address)
        self.link.setAccessibleName(f"{name_for(Action.HOMEPAGE, info)}: {address}")
        say(self._no_link, line(info.homepage))
        say(self._api, line(info.api))
        say(self._folder, str(info.folder))
        say(self._digest, short_digest(info.digest))
        self._digest.setToolTip(info.digest)
        self._digest.setAccessibleName(info.digest)
        self._copy.set_name(name_for(Action.DIGEST, info))
        is_shown = (
            True,
            True,
            bool(address),
            bool(info.homepage) and not address,  # not of the web: shown, but it cannot be pressed
            bool(info.api),
            True,
            bool(info.digest),
        )
        for (title, widget), is_row_shown in zip(self._rows, is_shown, strict=True):
            title.setVisible(is_row_shown)
            widget.setVisible(is_row_shown)

    def _add(self, title: str, widget: QWidget) -> None:
        label = text_label(title, is_muted=True)
        label.setWordWrap(False)
        at = len(self._rows)
        self._grid.addWidget(label, at, 0)
        self._grid.addWidget(widget, at, 1)
        self._rows.append((label, widget))

    def _digest_row(self) -> QWidget:
        widget = QWidget()
        self._digest.setFont(self._appearance.theme.font("mono"))
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._digest, 1)
        row.addWidget(self._copy)
        return widget
