"""RequestModel: the requests that wait, or those that run, as a table that is changed in place."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from app.queue.keyed_model import ENTRY_ROLE, ROOT, Index, KeyedModel
from app.queue.score_bar import points_in_words, scale_of
from app.queue.words import asked_by, duration, ordinal, reason_of, starts, starts_in_words
from app.usage import percent
from engine.queueing import QueuedRequest

NUMBER, REQUEST, WAITED, SCORE, STARTS = range(5)
_RIGHT: Final = (WAITED, STARTS)


class Listing(Enum):
    """Which requests are listed, and the titles of the columns."""

    WAITING = ("#", "Request", "Waited", "Score and why", "Starts")
    RUNNING = ("", "Request", "Runs for", "Progress", "Ends")


class RequestModel(KeyedModel[QueuedRequest]):
    """Rows keep their identity: what is selected stays selected while others come and go.

    Thread: UI only.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._listing = Listing.WAITING
        self._is_paused = False
        self._scale = 1.0
        self._has_scores = False

    @property
    def listing(self) -> Listing:
        """Which requests are listed."""
        return self._listing

    @property
    def scale(self) -> float:
        """Score at the right end of all bars."""
        return self._scale

    @property
    def has_scores(self) -> bool:
        """Whether requests are ordered by a score."""
        return self._has_scores

    @property
    def is_paused(self) -> bool:
        """Whether nothing new begins."""
        return self._is_paused

    # ------------------------------------------------------------------------------------------------------------- Qt

    def columnCount(self, parent: Index = ROOT) -> int:
        """Five."""
        return 0 if parent.isValid() else len(self._listing.value)

    def headerData(self, section: int, side: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give a column's title."""
        if side is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            edge = Qt.AlignmentFlag.AlignRight if section in _RIGHT else Qt.AlignmentFlag.AlignLeft
            return edge | Qt.AlignmentFlag.AlignVCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if section == SCORE and self._listing is Listing.WAITING and not self._has_scores:
            return "Why"
        return self._listing.value[section]

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give the words of a cell, or the request."""
        if not self.checkIndex(index, QAbstractTableModel.CheckIndexOption.IndexIsValid):
            return None
        request = self._rows[index.row()]
        if role == ENTRY_ROLE:
            return request
        if role == Qt.ItemDataRole.DisplayRole:
            return self._words(request, index.column())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._said(request, index.column())
        return self._tip(request, index.column()) if role == Qt.ItemDataRole.ToolTipRole else None

    def _words(self, request: QueuedRequest, column: int) -> str:
        if column == NUMBER:
            return f"{request.position}" if request.position else ""
        if column == REQUEST:
            return request.title
        if column == WAITED:
            is_running = self._listing is Listing.RUNNING
            return duration(request.started_s or 0.0 if is_running else request.waited_s)
        if column == SCORE:
            return reason_of(request)
        return starts(request, is_paused=self._is_paused)

    def _said(self, request: QueuedRequest, column: int) -> str:
        """What a screen reader says; the first column stands for the row."""
        if column == NUMBER:
            place = f"{ordinal(request.position)} in the queue" if request.position else "running"
            return f"{place}: {request.title}, {asked_by(request.client, request.urgency, request.model)}"
        if column == REQUEST:
            return f"{request.title}, {asked_by(request.client, request.urgency, request.model)}"
        if column == SCORE and request.parts and self._listing is Listing.WAITING:
            return f"Score {request.score:.2f}. {reason_of(request)}"
        if column == SCORE and self._listing is Listing.RUNNING:
            return f"{percent(request.progress)}. {reason_of(request)}"
        if column == STARTS:
            return starts_in_words(request, is_paused=self._is_paused)
        return self._words(request, column)

    def _tip(self, request: QueuedRequest, column: int) -> str:
        if column == REQUEST:
            return f"{request.title}\n{asked_by(request.client, request.urgency, request.model)}"
        if column == SCORE:
            points = points_in_words(request.parts)
            return f"{reason_of(request)}\n{points}" if points else reason_of(request)
        if column == STARTS:
            said = starts_in_words(request, is_paused=self._is_paused)
            return said[:1].upper() + said[1:]
        return ""

    # --------------------------------------------------------------------------------------------------------- content

    def set_listing(self, listing: Listing) -> None:
        """List the others; `show` brings them."""
        if listing is not self._listing:
            self.beginResetModel()
            self._listing = listing
            self._rows = []
            self.endResetModel()

    def show(self, requests: Sequence[QueuedRequest], *, is_paused: bool) -> None:
        """List these, in this order; rows of the same requests stay what they are."""
        self._is_paused = is_paused
        has_scores = any(request.parts for request in requests[:8])
        self._scale = scale_of([request.score for request in requests])
        self.show_rows(requests)
        if has_scores != self._has_scores:
            self._has_scores = has_scores
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, SCORE, SCORE)
