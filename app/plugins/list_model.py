"""PluginListModel: the plugins in two groups, strangers' first, those only that match a search."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt

from app.plugins.wording import as_tooltip, line, look_of, name_of, offer_chips, offer_words, where_of
from app.theme.widgets.keyed_rows import KeyedRows
from engine import PluginInfo

INFO_ROLE = Qt.ItemDataRole.UserRole + 1
"""The `PluginInfo` of a row; None for a caption."""
DOING_ROLE = Qt.ItemDataRole.UserRole + 2
"""What is under way with the plugin of a row; empty for nothing."""

_OURS, _THEIRS = "Came with Hearth", "Installed by you"


class PluginListModel(KeyedRows[PluginInfo]):
    """Captions and plugins, by name.

    Thread: UI only.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._doing: dict[str, str] = {}

    def value(self, entry: PluginInfo, role: int) -> Any:
        """Give the words of a plugin, and the roles above."""
        if role == INFO_ROLE:
            return entry
        if role == DOING_ROLE:
            return self._doing.get(entry.id, "")
        if role == Qt.ItemDataRole.DisplayRole:
            return name_of(entry)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._in_words(entry)
        return as_tooltip(_in_short(entry)) if role == Qt.ItemDataRole.ToolTipRole else None

    def show_plugins(self, plugins: Sequence[PluginInfo], search: str, doing: Callable[[str], str]) -> None:
        """List these plugins.

        Args:
            plugins: all of them, in any order.
            search: words that must all occur in what is said about a plugin; empty for all plugins.
            doing: says what is under way with the plugin of an id.
        """
        words = search.casefold().split()
        found = sorted((i for i in plugins if _matches(i, words)), key=lambda i: (name_of(i).casefold(), i.id))
        rows: list[str | PluginInfo] = []
        for caption, is_bundled in ((_THEIRS, False), (_OURS, True)):
            members = [info for info in found if info.is_bundled is is_bundled]
            rows += [caption, *members] if members else []
        was, self._doing = self._doing, {info.id: said for info in found if (said := doing(info.id))}
        self.show_rows(rows, lambda old, new: _shown(old, was) != _shown(new, self._doing))

    def _in_words(self, info: PluginInfo) -> str:
        offers = ", ".join(offer_chips(info)) or "nothing"
        state = self._doing.get(info.id) or look_of(info).word
        return f"{name_of(info)} {line(info.version)}, {state}, {where_of(info).lower()}, offers {offers}"


def _shown(info: str | PluginInfo, doing: Mapping[str, str]) -> tuple[object, ...]:
    """All that a row shows."""
    if isinstance(info, str):
        return ()
    shown = (info.name, info.version, info.summary, info.reason, info.state, info.is_isolated, info.offers)
    return (*shown, doing.get(info.id))


def _in_short(info: PluginInfo) -> str:
    lines = (
        f"{name_of(info)} {line(info.version)}",
        line(info.summary or info.reason),
        f"{look_of(info).word} · {where_of(info)}",
        " · ".join(offer_chips(info)),
    )
    return "\n".join(filter(None, lines))


def _matches(info: PluginInfo, words: list[str]) -> bool:
    if not words:
        return True
    offers = " ".join(f"{offer_words(offer.kind)} {offer.id} {offer.title}" for offer in info.offers)
    said = (info.name, info.id, info.summary, info.author, look_of(info).word, where_of(info), offers)
    text = " ".join(said).casefold()
    return all(word in text for word in words)
