"""Sections of the detail pane: each builds itself anew only when what it shows is another."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.plugins.actions import Action, actions_for, name_for
from app.plugins.labels import clear, entry, sentence_row, text_label
from app.plugins.wording import (
    NO_PERMISSIONS,
    as_tooltip,
    clean,
    failure_words,
    line,
    memory_words,
    offer_words,
    permission_icon,
    permission_title,
    sample_words,
    short_digest,
    web_address,
)
from app.theme import Appearance
from app.theme.widgets import ElidedLabel, IconButton
from engine import Field, OfferKind, PluginInfo, PluginState

Act = Callable[[Action], None]

_MOST_ROWS = 12  # a plugin may offer hundreds of things
_MIDDLE = Qt.TextElideMode.ElideMiddle
_LINK_WIDTH = 240  # pixels of an address before it is shortened; the tooltip has all of it
_ICONS = {
    OfferKind.FAMILY: "chat",
    OfferKind.PIPELINE: "recognize",
    OfferKind.TASK: "play",
    OfferKind.TOOL: "settings",
    OfferKind.TELEMETRY: "speed",
}


class Section(QFrame):
    """A title and what is below it; hidden while there is nothing to say."""

    def __init__(self, appearance: Appearance, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("line", "top")
        self.setAccessibleName(title)
        self._appearance = appearance
        self._shown: tuple[str, tuple[object, ...]] | None = None
        self._column = QVBoxLayout()
        self._column.setSpacing(appearance.theme.space("m"))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, appearance.theme.space("m"), 0, appearance.theme.space("m"))
        whole.setSpacing(appearance.theme.space("s"))
        whole.addWidget(text_label(title, "strong"))
        whole.addLayout(self._column)

    def show_info(self, info: PluginInfo) -> None:
        """Show what this section says about a plugin."""
        key = self._key(info)
        if (info.id, key) != self._shown:
            self._shown = (info.id, key)
            clear(self._column)
            if key:
                self._fill(info)
            self.setVisible(bool(key))

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        """What is shown, to be compared; empty where there is nothing to show."""
        raise NotImplementedError

    def _fill(self, info: PluginInfo) -> None:
        raise NotImplementedError


class OffersSection(Section):
    """Each offer with its title and its summary; all of them once that is asked for."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "What it offers", parent)

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        return info.offers

    def _fill(self, info: PluginInfo) -> None:
        self._add(info, 0, _MOST_ROWS)
        rest = len(info.offers) - _MOST_ROWS
        if rest > 0:
            more = QPushButton(f"Show {rest} more")
            more.setProperty("small", True)
            more.clicked.connect(lambda: self._show_more(info, more))
            self._column.addWidget(more)

    def _show_more(self, info: PluginInfo, button: QPushButton) -> None:
        """Add as many again; a thousand at once would hold up the window."""
        self._column.removeWidget(button)
        done = self._column.count()
        self._add(info, done, done + _MOST_ROWS)
        rest = len(info.offers) - self._column.count()
        if rest > 0:
            button.setText(f"Show {rest} more")
            self._column.addWidget(button)
        else:
            button.deleteLater()

    def _add(self, info: PluginInfo, first: int, end: int) -> None:
        for offer in info.offers[first:end]:
            kind = offer_words(offer.kind)
            title = line(offer.title) or line(offer.id)
            text = clean(offer.summary) or f"{kind[0].upper()}{kind[1:]}"
            self._column.addWidget(entry(self._appearance, _ICONS[offer.kind], "text-muted", title, text))


class PermissionsSection(Section):
    """Each permission with its reason, or that it wants none; inside Hearth nothing of it is enforced."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "What it may do", parent)

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        return (info.permissions, info.is_isolated)

    def _fill(self, info: PluginInfo) -> None:
        if not info.permissions:
            self._column.addWidget(text_label(NO_PERMISSIONS, is_muted=True))
        elif not info.is_isolated:
            self._column.addWidget(text_label("It runs inside Hearth, where this is not enforced.", is_muted=True))
        for permission in info.permissions:
            icon, title = permission_icon(permission), permission_title(permission)
            self._column.addWidget(entry(self._appearance, icon, "text-muted", title, clean(permission.reason)))


class LimitsSection(Section):
    """What this system cannot enforce."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Not enforced on this computer", parent)

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        return info.unenforced if info.is_isolated else ()

    def _fill(self, info: PluginInfo) -> None:
        for sentence in info.unenforced:
            self._column.addWidget(sentence_row(self._appearance, "warning", "warning", line(sentence)))


class NumbersSection(Section):
    """Numbers with their units; memory and failures first, then what its telemetry says."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Now", parent)
        self._values: list[QLabel] = []

    def show_info(self, info: PluginInfo) -> None:
        """Change the numbers in place: nothing around them moves."""
        super().show_info(info)
        for label, (_, value) in zip(self._values, _numbers(info), strict=False):
            if label.text() != value:
                label.setText(value)

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        return tuple(title for title, _ in _numbers(info))

    def _fill(self, info: PluginInfo) -> None:
        rows = [_row(title, value) for title, value in _numbers(info)]
        self._values = [value for _, value in rows]
        grid = QVBoxLayout()
        grid.setSpacing(self._appearance.theme.space("xs"))
        for title, value in rows:
            row = QHBoxLayout()
            row.addWidget(title, 1)
            row.addWidget(value)
            grid.addLayout(row)
        self._column.addLayout(grid)


class SettingsSection(Section):
    """What is set now, and a button to change it."""

    def __init__(self, appearance: Appearance, act: Act, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Settings", parent)
        self._act = act

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        if Action.SETTINGS not in actions_for(info):
            return ()
        return tuple((field.title, _setting(field, info)) for field in info.fields)

    def _fill(self, info: PluginInfo) -> None:
        grid = _grid(self._appearance)
        for at, field in enumerate(info.fields[:_MOST_ROWS]):
            grid.addWidget(text_label(line(field.title), is_muted=True), at, 0)
            grid.addWidget(ElidedLabel(_setting(field, info)), at, 1)
        self._column.addLayout(grid)
        change = QPushButton("Change settings…")
        change.setProperty("small", True)
        change.setAccessibleName(name_for(Action.SETTINGS, info))
        change.clicked.connect(lambda: self._act(Action.SETTINGS))
        row = QHBoxLayout()
        row.addWidget(change)
        row.addStretch(1)
        self._column.addLayout(row)


class AboutSection(Section):
    """Author, licence, homepage, folder, digest."""

    def __init__(self, appearance: Appearance, act: Act, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "About", parent)
        self._act = act

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        return (info.author, info.licence, info.homepage, info.folder, info.digest, info.api)

    def _fill(self, info: PluginInfo) -> None:
        grid = _grid(self._appearance)
        for title, widget in self._rows(info):
            at = grid.rowCount()
            grid.addWidget(text_label(title, is_muted=True), at, 0)
            grid.addWidget(widget, at, 1)
        self._column.addLayout(grid)

    def _rows(self, info: PluginInfo) -> list[tuple[str, QWidget]]:
        rows: list[tuple[str, QWidget]] = []
        for title, value in (("Author", info.author), ("Licence", info.licence)):
            rows.append((title, ElidedLabel(line(value) or "Not said")))
        if info.homepage:
            rows.append(("Homepage", self._homepage(info)))
        if info.api:
            rows.append(("Plugin API", ElidedLabel(line(info.api))))
        rows.append(("Folder", ElidedLabel(str(info.folder))))
        if info.digest:
            rows.append(("SHA-256", self._digest(info)))
        return rows

    def _homepage(self, info: PluginInfo) -> QWidget:
        """Make a button that says the whole address; one that is not of the web cannot be pressed."""
        address = web_address(info.homepage)
        if not address:
            return ElidedLabel(line(info.homepage))
        button = QPushButton(address)
        button.setProperty("link", True)
        button.setText(button.fontMetrics().elidedText(address, _MIDDLE, _LINK_WIDTH).replace("&", "&&"))
        button.setToolTip(as_tooltip(f"Open {address} in the browser"))
        button.setAccessibleName(f"{name_for(Action.HOMEPAGE, info)}: {address}")
        button.clicked.connect(lambda: self._act(Action.HOMEPAGE))
        return button

    def _digest(self, info: PluginInfo) -> QWidget:
        widget = QWidget()
        words = QLabel(short_digest(info.digest))
        words.setFont(self._appearance.theme.font("mono"))
        words.setToolTip(info.digest)
        words.setAccessibleName(info.digest)
        copy = IconButton(self._appearance, "copy", name_for(Action.DIGEST, info), small=True)
        copy.clicked.connect(lambda: self._act(Action.DIGEST))
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(words, 1)
        row.addWidget(copy)
        return widget


def _grid(appearance: Appearance) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(appearance.theme.space("l"))
    grid.setVerticalSpacing(appearance.theme.space("xs"))
    grid.setColumnStretch(1, 1)
    return grid


def _setting(field: Field, info: PluginInfo) -> str:
    """A setting as it is now, in one line."""
    value = info.settings.get(field.name, field.default)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return line(", ".join(value))
    return line(str(value)) if value not in (None, "") else "not set"


def _row(title: str, value: str) -> tuple[QLabel, QLabel]:
    number = text_label(value)
    number.setWordWrap(False)
    return text_label(title, is_muted=True), number


def _numbers(info: PluginInfo) -> list[tuple[str, str]]:
    if info.state not in {PluginState.ACTIVE, PluginState.STARTING, PluginState.STOPPED}:
        return []
    rows = [(line(sample.name), sample_words(sample)) for sample in info.samples[:_MOST_ROWS]]
    return [("Memory", memory_words(info.memory_bytes)), ("Failures", failure_words(info.failures)), *rows]
