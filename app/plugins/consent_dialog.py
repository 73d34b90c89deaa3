"""ConsentDialog: what a stranger's plugin is and what it wants, before it runs for the first time or after a change."""

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.plugins.rows import Point, PointRow
from app.plugins.wording import (
    NO_PERMISSIONS,
    clean,
    line,
    name_of,
    offer_chips,
    permission_icon,
    permission_title,
    short_digest,
    whereabouts,
)
from app.theme import Appearance
from app.theme.widgets import Chip, ChoiceDialog, ColumnScroll, IconButton
from app.theme.widgets.labels import text_label
from engine import PluginInfo

_MOST_HEIGHT = 420


class ConsentDialog(ChoiceDialog):
    """Asks whether a plugin may run. The button that allows it works only once all of the text has been on the screen.

    Attributes:
        plugin: the plugin's id.
        digest: SHA-256 of the files that the consent is for.

    Signals:
        copy_requested: text for the clipboard.
    """

    copy_requested = Signal(str)

    def __init__(self, appearance: Appearance, info: PluginInfo, parent: QWidget) -> None:
        title = f"Allow {name_of(info)} to run?"
        super().__init__(appearance, title, "Not now", "Allow", parent)
        self.plugin = info.id
        self.digest = info.digest
        self.yes_button.setProperty("kind", "primary")
        self._text = QWidget()
        self._hint = text_label("Scroll to the end to allow it.", "small", is_muted=True)
        self._fill(info)
        self._scroll = ColumnScroll(f"What {name_of(info)} is and what it wants", self._text, self.room_width, self)
        self.room.addWidget(self._scroll, 1)
        self.room.addWidget(self._hint)
        self.setMinimumHeight(_MOST_HEIGHT)
        self.yes_button.setEnabled(False)
        self.yes_button.setToolTip("Read to the end first.")
        self._text.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Watch for the end of the text being painted; nothing is taken away."""
        if event.type() == QEvent.Type.Paint and not self.yes_button.isEnabled() and self._is_end_in_view():
            self.yes_button.setEnabled(True)
            self.yes_button.setToolTip("")
            self._hint.setText("This consent is for exactly these files. If one of them changes, Hearth asks again.")
        return super().eventFilter(watched, event)

    def _is_end_in_view(self) -> bool:
        bar = self._scroll.verticalScrollBar()
        return self._text.height() - bar.value() <= self._scroll.viewport().height() + 1

    def _fill(self, info: PluginInfo) -> None:
        theme = self._appearance.theme
        column = QVBoxLayout(self._text)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space("m"))
        if info.reason:
            column.addWidget(self._note(clean(info.reason)))
        column.addWidget(self._origin(info))
        column.addWidget(self._where(info))
        column.addWidget(text_label("What it may do", "strong"))
        if not info.permissions:
            column.addWidget(text_label(NO_PERMISSIONS, is_muted=True))
        for permission in info.permissions:
            icon, title = permission_icon(permission), permission_title(permission)
            reason = f"“{clean(permission.reason)}”"
            column.addWidget(PointRow(self._appearance, Point(icon, "text", title, reason)))
        for sentence in info.consequences:
            column.addWidget(PointRow(self._appearance, Point("info", "info", "", sentence)))
        if info.unenforced and info.is_isolated:
            column.addWidget(text_label("Not enforced on this computer", "strong"))
            for sentence in info.unenforced:
                column.addWidget(self._warning(line(sentence)))
        column.addStretch(1)

    def _warning(self, text: str) -> PointRow:
        return PointRow(self._appearance, Point("warning", "warning", "", text))

    def _note(self, reason: str) -> QFrame:
        frame = QFrame()
        frame.setProperty("banner", "warn")
        row = QVBoxLayout(frame)
        edge = self._appearance.theme.space("m")
        row.setContentsMargins(edge, edge, edge, edge)
        row.addWidget(self._warning(reason))
        return frame

    def _origin(self, info: PluginInfo) -> QWidget:
        """Who says to have made it, and the digest that says which files these are."""
        theme = self._appearance.theme
        widget = QWidget()
        column = QVBoxLayout(widget)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.space("xs"))
        author = line(info.author) or "nobody who gives a name"
        version = f"Version {line(info.version)}, by" if info.version else "By"
        column.addWidget(text_label(f"{version} {author}. Hearth does not check who that is.", can_copy=True))
        if info.summary:
            column.addWidget(text_label(clean(info.summary), is_muted=True))
        row = QHBoxLayout()
        row.setSpacing(theme.space("s"))
        row.addWidget(text_label("SHA-256", is_muted=True))
        digest = QLabel(short_digest(info.digest))
        digest.setFont(theme.font("mono"))
        digest.setToolTip(info.digest)
        digest.setAccessibleName(info.digest)
        row.addWidget(digest)
        copy = IconButton(self._appearance, "copy", "Copy the SHA-256", small=True)
        copy.clicked.connect(lambda: self.copy_requested.emit(info.digest))
        row.addWidget(copy)
        row.addStretch(1)
        column.addLayout(row)
        return widget

    def _where(self, info: PluginInfo) -> QWidget:
        widget = QWidget()
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(self._appearance.theme.space("s"))
        row.addWidget(Chip(whereabouts(info), "info" if info.is_isolated else "warn"))
        for words in offer_chips(info):
            row.addWidget(Chip(words, "outline"))
        row.addStretch(1)
        return widget
