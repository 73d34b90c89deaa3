"""FinishedModel: requests that have ended, with their times."""

import time
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, Qt

from app.queue.keyed_model import ENTRY_ROLE, ROOT, Index, KeyedModel
from app.queue.words import OUTCOME_LOOK, asked_by, counted, measured
from app.usage import NBSP, UNKNOWN
from engine.queueing import EndedRequest

REQUEST, OUTCOME, ENDED, WAITED, LOAD, FIRST, TOTAL, OUTPUT, SPEED = range(9)
_TITLES: Final = ("Request", "Outcome", "Ended", "Waited", "Load", "First token", "Total", "Output", "Speed")
_TIPS: Final = {
    WAITED: "From its arrival to its first step, loading included",
    LOAD: "Of that, the time in which its model was loaded",
    FIRST: "From its arrival to the first token, or to the result",
    TOTAL: "From its arrival to the end",
    SPEED: "Tokens a second, after the prompt was read",
}
_NOUNS: Final = {"image": "picture", "texts": "text"}


class FinishedModel(KeyedModel[EndedRequest]):
    """The latest ones, newest first.

    Thread: UI only.
    """

    def columnCount(self, parent: Index = ROOT) -> int:
        """Nine."""
        return 0 if parent.isValid() else len(_TITLES)

    def headerData(self, section: int, side: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give a column's title."""
        if side is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            edge = Qt.AlignmentFlag.AlignLeft if section in (REQUEST, OUTCOME) else Qt.AlignmentFlag.AlignRight
            return edge | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS.get(section, "")
        return _TITLES[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Give the words of a cell, or the request."""
        if not self.checkIndex(index, QAbstractTableModel.CheckIndexOption.IndexIsValid):
            return None
        request = self._rows[index.row()]
        if role == ENTRY_ROLE:
            return request
        words = cell_words(request, index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return words
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if index.column() == REQUEST:
                return f"{words}, {detail_of(request)}"
            return f"{_TITLES[index.column()]} {'unknown' if words == UNKNOWN else words}"
        if role == Qt.ItemDataRole.ToolTipRole and index.column() in (REQUEST, OUTCOME):
            return f"{request.title}\n{detail_of(request)}"
        return None


def cell_words(request: EndedRequest, column: int) -> str:
    """What stands in a cell."""
    times = {WAITED: request.waited_s, FIRST: request.first_token_s, TOTAL: request.total_s}
    if column in times:
        return measured(times[column])
    if column == REQUEST:
        return request.title
    if column == OUTCOME:
        return OUTCOME_LOOK[request.outcome][0]
    if column == ENDED:
        return time.strftime("%H:%M:%S", time.localtime(request.ended_at))
    if column == LOAD:
        return measured(request.load_s) if request.load_s >= 0.0005 else UNKNOWN
    if column == OUTPUT:
        return counted(request.output_tokens, _NOUNS.get(request.form, "token"))
    return speed_words(request)


def detail_of(request: EndedRequest) -> str:
    """Who asked which model, and why it failed."""
    return " · ".join(filter(None, (asked_by(request.client, request.urgency, request.model), request.error)))


def speed_words(request: EndedRequest) -> str:
    """Tokens a second while it wrote: `42 tok/s`; a dash where nothing was written, or too fast to say."""
    writing_s = request.total_s - request.waited_s - request.prefill_s
    if request.form != "text" or request.output_tokens < 2 or writing_s < 1e-3:
        return UNKNOWN
    speed = request.output_tokens / writing_s
    return f"{speed:,.0f}{NBSP}tok/s" if speed >= 10 else f"{speed:.1f}{NBSP}tok/s"
