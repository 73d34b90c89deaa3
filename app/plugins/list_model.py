"""PluginListModel: the plugins in two groups, strangers' first, those only that match a search."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.plugins.wording import as_tooltip, line, look_of, name_of, offer_chips, offer_words, where_of
from engine import PluginInfo

Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()

INFO_ROLE = Qt.ItemDataRole.UserRole + 1
"""The `PluginInfo` of a row; None for a caption."""
DOING_ROLE = Qt.ItemDataRole.UserRole + 2
"""What is under way with the plugin of a row; empty for nothing."""

_OURS, _THEIRS = "Came with Hearth", "Installed by you"


class PluginListModel(QAbstractListModel):
    """Captions and plugins, by name.

    Thread: UI only.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[str | PluginInfo] = []
        self._doing: dict[str, str] = {}

    def rowCount(self, parent: Index = _ROOT) -> int:
        """Count captions and plugins."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give the words of a row, and the roles above."""
        if not self.checkIndex(index, QAbstractListModel.CheckIndexOption.IndexIsValid):
            return None
        row = self._rows[index.row()]
        if isinstance(row, str):
            return row if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) else None
        if role == INFO_ROLE:
            return row
        if role == DOING_ROLE:
            return self._doing.get(row.id, "")
        if role == Qt.ItemDataRole.DisplayRole:
            return name_of(row)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._in_words(row)
        return as_tooltip(_in_short(row)) if role == Qt.ItemDataRole.ToolTipRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Captions cannot be chosen."""
        if not index.isValid() or isinstance(self._rows[index.row()], str):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren

    @property
    def count(self) -> int:
        """How many plugins are listed."""
        return sum(not isinstance(row, str) for row in self._rows)

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
        busy = {info.id: said for info in found if (said := doing(info.id))}
        if [_key(row) for row in rows] == [_key(row) for row in self._rows]:
            self._update(rows, busy)
        else:
            self.beginResetModel()
            self._rows, self._doing = rows, busy
            self.endResetModel()

    def index_of(self, plugin: str) -> QModelIndex:
        """Index of a plugin; an invalid one where it is not listed."""
        for row, entry in enumerate(self._rows):
            if isinstance(entry, PluginInfo) and entry.id == plugin:
                return self.index(row)
        return QModelIndex()

    def _update(self, rows: list[str | PluginInfo], doing: dict[str, str]) -> None:
        before, was_doing = self._rows, self._doing
        self._rows, self._doing = rows, doing
        changed = [
            number
            for number, (old, new) in enumerate(zip(before, rows, strict=True))
            if _shown(old) != _shown(new) or was_doing.get(_key(new)) != doing.get(_key(new))
        ]
        if changed:  # one signal: a view lays itself out for each
            self.dataChanged.emit(self.index(changed[0]), self.index(changed[-1]))

    def _in_words(self, info: PluginInfo) -> str:
        offers = ", ".join(offer_chips(info)) or "nothing"
        state = self._doing.get(info.id) or look_of(info).word
        return f"{name_of(info)} {line(info.version)}, {state}, {where_of(info).lower()}, offers {offers}"


def _key(row: str | PluginInfo) -> str:
    return row if isinstance(row, str) else row.id


def _shown(info: str | PluginInfo) -> tuple[object, ...]:
    """All that a row shows."""
    if isinstance(info, str):
        return ()
    return (info.name, info.version, info.summary, info.reason, info.state, info.is_isolated, info.offers)


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
