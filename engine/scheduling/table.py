"""Table: the requests of one lane as columns, so that ten thousand can be scored at once."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.requests import Urgency
from engine.scheduling.entries import Entry, Need

_URGENCY: Final = {Urgency.INTERACTIVE: 1.0, Urgency.NORMAL: 0.5, Urgency.BATCH: 0.0}
_FIELDS: Final = (
    "arrived_s", "urgency", "level", "unread", "unwritten", "due_s", "deadline_s", "known", "stepped_s", "raised",
    "is_running", "is_ready", "written", "first_s", "need", "client", "id",
)  # fmt: skip
_FIRST_ROWS: Final = 64


class Table:
    """Requests by row, in no order; the last one moves into the gap that another leaves.

    Attributes:
        entries: by row.
        needs: the models, by the number in the column `need`.
        clients: by the number in the column `client`.
    """

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.needs: list[Need] = []
        self.clients: list[str] = []
        self._clients: dict[str, int] = {}
        self._data = np.zeros((len(_FIELDS), _FIRST_ROWS))

    def __len__(self) -> int:
        return len(self.entries)

    def column(self, name: str) -> NDArray[np.float64]:
        """One fact of all requests, shape (n,): a view, valid until the next change."""
        return self._data[_FIELDS.index(name), : len(self.entries)]

    def numbers(self, name: str) -> NDArray[np.intp]:
        """The columns `need` and `client`, as indexes."""
        return self.column(name).astype(np.intp)

    def flags(self, name: str) -> NDArray[np.bool_]:
        """A column that says yes or no."""
        return self.column(name) > 0

    def add_need(self, need: Need) -> None:
        """Add a model."""
        need.index = len(self.needs)
        self.needs.append(need)

    def add(self, entry: Entry) -> None:
        """Add a request."""
        row = len(self.entries)
        if row == self._data.shape[1]:
            self._data = np.concatenate([self._data, np.zeros_like(self._data)], axis=1)
        entry.row = row
        self.entries.append(entry)
        self.update(entry)

    def remove(self, entry: Entry) -> None:
        """Take a request out."""
        last = self.entries.pop()
        if last is not entry:
            self.entries[entry.row] = last
            self._data[:, entry.row] = self._data[:, last.row]
            last.row = entry.row
        entry.row = -1

    def update(self, entry: Entry) -> None:
        """Write down what is known of a request now."""
        self._data[:, entry.row] = (
            entry.arrived_s,
            _URGENCY[entry.urgency],
            entry.level / 4,
            entry.unread_tokens,
            entry.unwritten_tokens,
            entry.due_s,
            np.inf if entry.deadline_s is None else entry.deadline_s,
            min(1.0, entry.known_tokens / max(1, entry.prompt_tokens)),
            entry.stepped_s,
            entry.raised,
            entry.is_running,
            entry.is_ready,
            entry.written_tokens,
            np.inf if entry.first_s is None else entry.first_s,
            entry.need.index,
            self._number(entry.client),
            entry.id,
        )

    def _number(self, client: str) -> int:
        number = self._clients.get(client)
        if number is None:
            number = self._clients[client] = len(self.clients)
            self.clients.append(client)
        return number
