"""Sections of the detail pane: each changes only when what it shows is another."""

from collections.abc import Callable

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.plugins.actions import Action, actions_for, name_for
from app.plugins.rows import PairList, Point, PointList
from app.plugins.wording import (
    NO_PERMISSIONS,
    clean,
    failure_words,
    line,
    memory_words,
    offer_words,
    permission_icon,
    permission_title,
    sample_words,
)
from app.theme import Appearance
from app.theme.widgets.labels import say, text_label
from engine import Field, OfferInfo, OfferKind, PluginInfo, PluginState

Act = Callable[[Action], None]

_MOST_ROWS = 12  # a plugin may offer hundreds of things
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
        self._shown: tuple[str, tuple[object, ...]] | None = None
        self.column = QVBoxLayout()
        self.column.setSpacing(appearance.theme.space("m"))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, appearance.theme.space("m"), 0, appearance.theme.space("m"))
        whole.setSpacing(appearance.theme.space("s"))
        whole.addWidget(text_label(title, "strong"))
        whole.addLayout(self.column)

    def show_info(self, info: PluginInfo) -> None:
        """Show what this section says about a plugin."""
        key = self._key(info)
        if (info.id, key) != self._shown:
            self._shown = (info.id, key)
            if key:
                self._show(info)
            self.setVisible(bool(key))

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        """What is shown, to be compared; empty where there is nothing to show."""
        raise NotImplementedError

    def _show(self, info: PluginInfo) -> None:
        raise NotImplementedError


class OffersSection(Section):
    """Each offer with its title and its summary; a dozen at first, and a dozen more whenever that is asked for."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "What it offers", parent)
        self._points = PointList(appearance)
        self._offers: tuple[OfferInfo, ...] = ()
        self._most = _MOST_ROWS
        self._more = QPushButton()
        self._more.setProperty("small", True)
        self._more.clicked.connect(self._show_more)
        self.column.addWidget(self._points)
        self.column.addWidget(self._more)

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        return info.offers

    def _show(self, info: PluginInfo) -> None:
        self._offers, self._most = info.offers, _MOST_ROWS
        self._show_some()

    def _show_more(self) -> None:
        self._most += _MOST_ROWS
        self._show_some()

    def _show_some(self) -> None:
        self._points.show_points([_point_of(offer) for offer in self._offers[: self._most]])
        rest = len(self._offers) - self._most
        self._more.setText(f"Show {min(rest, _MOST_ROWS)} of {rest} more")
        self._more.setVisible(rest > 0)


class PermissionsSection(Section):
    """Each permission with its reason, or that it wants none; inside Hearth nothing of it is enforced."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "What it may do", parent)
        self._note = text_label("", is_muted=True)
        self._points = PointList(appearance)
        self.column.addWidget(self._note)
        self.column.addWidget(self._points)

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        return (info.permissions, info.consequences, info.is_isolated)

    def _show(self, info: PluginInfo) -> None:
        nothing = "" if info.permissions else NO_PERMISSIONS
        inside = "" if info.is_isolated else "It runs inside Hearth, where nothing of this is enforced."
        note = f"{nothing} {inside}".strip()
        say(self._note, note)
        self._note.setVisible(bool(note))
        wanted = [
            Point(permission_icon(p), "text-muted", permission_title(p), clean(p.reason)) for p in info.permissions
        ]
        self._points.show_points([*wanted, *(Point("info", "info", "", sentence) for sentence in info.consequences)])


class LimitsSection(Section):
    """What this system cannot enforce."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Not enforced on this computer", parent)
        self._points = PointList(appearance)
        self.column.addWidget(self._points)

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        return info.unenforced if info.is_isolated else ()

    def _show(self, info: PluginInfo) -> None:
        self._points.show_points([Point("warning", "warning", "", line(sentence)) for sentence in info.unenforced])


class NumbersSection(Section):
    """Numbers with their units; memory and failures first, then what its telemetry says."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Now", parent)
        self._pairs = PairList(appearance, are_numbers=True)
        self.column.addWidget(self._pairs)

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        if info.state not in {PluginState.ACTIVE, PluginState.STARTING, PluginState.STOPPED}:
            return ()
        samples = ((line(sample.name), sample_words(sample)) for sample in info.samples[:_MOST_ROWS])
        return (("Memory", memory_words(info.memory_bytes)), ("Failures", failure_words(info.failures)), *samples)

    def _show(self, info: PluginInfo) -> None:
        self._pairs.show_pairs([pair for pair in self._key(info) if isinstance(pair, tuple)])


class SettingsSection(Section):
    """What is set now, and a button to change it."""

    def __init__(self, appearance: Appearance, act: Act, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Settings", parent)
        self._pairs = PairList(appearance)
        self.change_button = QPushButton("Change settings…")
        self.change_button.setProperty("small", True)
        self.change_button.clicked.connect(lambda: act(Action.SETTINGS))
        row = QHBoxLayout()
        row.addWidget(self.change_button)
        row.addStretch(1)
        self.column.addWidget(self._pairs)
        self.column.addLayout(row)

    def _key(self, info: PluginInfo) -> tuple[object, ...]:
        if Action.SETTINGS not in actions_for(info):
            return ()
        return tuple((field.title, _setting(field, info)) for field in info.fields)

    def _show(self, info: PluginInfo) -> None:
        shown = info.fields[:_MOST_ROWS]
        self._pairs.show_pairs([(line(field.title), _setting(field, info)) for field in shown])
        self.change_button.setAccessibleName(name_for(Action.SETTINGS, info))


def _point_of(offer: OfferInfo) -> Point:
    kind = offer_words(offer.kind)
    title = line(offer.title) or line(offer.id)
    return Point(_ICONS[offer.kind], "text-muted", title, clean(offer.summary) or f"{kind[0].upper()}{kind[1:]}")


def _setting(field: Field, info: PluginInfo) -> str:
    """A setting as it is now, in one line."""
    value = info.settings.get(field.name, field.default)
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return line(", ".join(value)) or "not set"
    return line(str(value)) if value not in (None, "") else "not set"
