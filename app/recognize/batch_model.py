"""BatchModel: the pictures of the strip, in the order they came."""

from collections.abc import Iterable, Iterator
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage

from app.recognize.picture import Picture, State
from engine.types import RecognizeResult

_Index = QModelIndex | QPersistentModelIndex
PICTURE_ROLE = Qt.ItemDataRole.UserRole


class BatchModel(QAbstractListModel):
    """Owns the pictures; every change goes through a method here, so that views repaint what changed.

    Thread: UI only.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pictures: list[Picture] = []
        self._rows: dict[Picture, int] = {}

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default; never changed
        """Count the pictures."""
        return 0 if parent.isValid() else len(self._pictures)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give a picture's name, its words for screen readers, or the picture itself (`PICTURE_ROLE`)."""
        if not self.checkIndex(index, self.CheckIndexOption.IndexIsValid):
            return None
        picture = self._pictures[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return picture.name
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(filter(None, (picture.name, picture.error or picture.summary)))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{picture.name}: {picture.summary}"
        return picture if role == PICTURE_ROLE else None

    def __iter__(self) -> Iterator[Picture]:
        return iter(self._pictures)

    def row_of(self, picture: Picture) -> int | None:
        """Row of a picture; None once it was removed."""
        return self._rows.get(picture)

    def add(self, pictures: Iterable[Picture]) -> None:
        """Append pictures."""
        added = list(pictures)
        first = len(self._pictures)
        if not added:
            return
        self.beginInsertRows(QModelIndex(), first, first + len(added) - 1)
        self._pictures.extend(added)
        self._rows.update({picture: first + offset for offset, picture in enumerate(added)})
        self.endInsertRows()

    def clear(self) -> None:
        """Forget all pictures."""
        self.beginResetModel()
        self._pictures.clear()
        self._rows.clear()
        self.endResetModel()

    def set_thumbnail(self, picture: Picture, image: QImage) -> None:
        """Show a decoded thumbnail."""
        picture.thumbnail = image
        self._say(picture)

    def set_state(self, picture: Picture, state: State) -> None:
        """Move a picture on; forgets what an earlier run said about it."""
        picture.state, picture.result, picture.cause, picture.error = state, None, "", ""
        self._say(picture)

    def set_result(self, picture: Picture, result: RecognizeResult, model_id: str) -> None:
        """Mark a picture as done: what was found, and by which model."""
        picture.state, picture.result, picture.model_id = State.DONE, result, model_id
        self._say(picture)

    def set_failed(self, picture: Picture, cause: str, error: str) -> None:
        """Mark a picture as failed: a few words, and the whole story."""
        picture.state, picture.cause, picture.error = State.FAILED, cause, error
        self._say(picture)

    def _say(self, picture: Picture) -> None:
        row = self._rows.get(picture)
        if row is not None:
            index = self.index(row)
            self.dataChanged.emit(index, index)
