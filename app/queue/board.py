"""Board: the content of the page: timeline, list and explanation, or what has finished."""

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from app.queue.actions import RequestActions
from app.queue.controller import QueueController
from app.queue.finished_card import FinishedCard
from app.queue.list_card import OPEN_PAGES, ListCard
from app.queue.running_card import RunningCard
from app.queue.why_pane import WIDTH, WhyPane
from app.queue.words import OUTCOME_LOOK, measured, spoken_lane
from app.theme import Appearance
from engine.queueing import EndedRequest, QueuedRequest

_WIDE: Final = 1108  # of the page, in a window of 1180: below that the explanation opens over it
_TALL: Final = ((800, 4), (600, 3))  # from this height on, a lane may have so many tracks
_TIMELINE_SHARE: Final = 0.45  # of the height, at most
_NOTHING: Final = "What waits is explained here: its place in the queue, and what each of twelve factors adds to it."
_CHOOSE: Final = "Choose a request to see why it stands where it stands, and what can be done with it."


class Board(QWidget):
    """Shows what the controller knows.

    Attributes:
        running: the timeline.
        list: what waits, or runs.
        why: the explanation.
        finished: the history.

    Signals:
        page_wanted: name of another page that the person wants.

    Thread: UI only.
    """

    page_wanted = Signal(str)

    def __init__(self, appearance: Appearance, controller: QueueController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._controller = controller
        self._explained = ""
        self._is_over = False
        self._is_open = False  # the explanation, where it lies over the page
        actions = RequestActions(appearance, controller, self)
        self._live = QWidget(self)
        self.running = RunningCard(appearance, controller, self._live)
        self.list = ListCard(appearance, controller, actions, self._live)
        self.why = WhyPane(appearance, actions, self._live)
        self.finished = FinishedCard(appearance, controller, self)
        self._views = QStackedLayout()
        self._row = QHBoxLayout()
        self._lay_out()
        self._connect()
        self.show_now()

    @property
    def explained(self) -> str:
        """Id of the request that is explained; empty for none."""
        return self._explained

    def show_finished(self, is_shown: bool) -> None:
        """Show what has finished, or what is going on."""
        self._views.setCurrentIndex(1 if is_shown else 0)
        self.show_now()

    def focus_first(self) -> None:
        """Give the keyboard to the list, or to what stands in its place."""
        is_finished = self._views.currentIndex() == 1
        table = self.finished.table if is_finished else self.list.table
        target = table if table.isVisible() else self.list.lists
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_now(self) -> None:
        """Show what the controller saw last."""
        if self._controller.snapshot is None:
            return
        if self._views.currentIndex() == 1:
            self.finished.show_now()
            return
        self.running.show_now()
        self.list.show_now()
        self._choose_first()
        self._explain()

    def explain(self, request: str) -> None:
        """Explain a request, over the page where there is no room beside the list."""
        self._explained = request
        self.list.choose_request(request)
        self._is_open = True
        self._explain()
        self._place_pane()
        if self._is_over:
            self.why.factors.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def close_explanation(self) -> None:
        """Take the explanation from over the page, and go back to the list."""
        self._is_open = False
        self._place_pane()
        self.list.table.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the explanation where there is room, and give lanes as many tracks as there is height."""
        super().resizeEvent(event)
        tracks = next((count for height, count in _TALL if self.height() >= height), 2)
        self.running.timeline.set_most_tracks(tracks)
        self.running.set_most_height(round(self.height() * _TIMELINE_SHARE))
        is_over = self.width() < _WIDE
        if is_over != self._is_over:
            self._is_over = is_over
            self.why.set_over(is_over=is_over)
            if is_over:
                self._row.removeWidget(self.why)
            else:
                self._row.addWidget(self.why)
        self._place_pane()

    # --------------------------------------------------------------------------------------------------------- private

    def _place_pane(self) -> None:
        self.why.setVisible(self._is_open or not self._is_over)
        if self._is_over:
            theme = self._appearance.theme
            edge, side = theme.space("l"), theme.space("xl")
            self.why.setGeometry(self.width() - side - WIDTH, edge, WIDTH, self.height() - 2 * edge)
            self.why.raise_()

    def _choose_first(self) -> None:
        """Begin with an explanation; later on nothing is chosen but by the person, who may be about to press Delete."""
        waiting = self._controller.waiting
        if not self._explained and waiting and not self._is_over:
            self.list.table.choose(waiting[0].id)

    def _explain(self) -> None:
        snapshot = self._controller.snapshot
        if snapshot is None:
            return
        entry = self._controller.find(self._explained)
        self.running.timeline.choose(self._explained)
        if isinstance(entry, QueuedRequest):
            self.why.show_request(entry, snapshot, spoken_lane(entry.lane, self.running.titles))
        elif isinstance(entry, EndedRequest):
            word = OUTCOME_LOOK[entry.outcome][0].lower()
            self.why.show_nothing(f"“{entry.title}” is {word}, after {measured(entry.total_s)}. {_CHOOSE}")
        else:
            is_idle = not self._controller.waiting and not self._controller.running
            self.why.show_nothing(_NOTHING if is_idle else _CHOOSE)

    def _on_chosen(self, request: str) -> None:
        if request:
            self._explained = request
            self._explain()

    def _on_listing(self) -> None:
        self.list.table.choose(self._explained)

    def _on_clicked(self) -> None:
        selected = self.list.table.selected
        if self._is_over and selected is not None and not self._is_open:
            self._is_open = True
            self._place_pane()

    def _connect(self) -> None:
        self._controller.ticked.connect(self.show_now)
        self._appearance.changed.connect(self.show_now)
        self.list.table.chosen.connect(self._on_chosen)
        self.list.table.clicked.connect(self._on_clicked)
        self.list.explained.connect(self.explain)
        self.list.listing_changed.connect(self._on_listing)
        self.list.empty.pressed.connect(lambda words: self.page_wanted.emit(OPEN_PAGES[words]))
        self.running.timeline.pressed.connect(self.explain)
        self.why.closed.connect(self.close_explanation)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        edge, side = theme.space("l"), theme.space("xl")
        self._row.setSpacing(edge)
        self._row.addWidget(self.list, 1)
        self._row.addWidget(self.why)
        live = QVBoxLayout(self._live)
        live.setContentsMargins(side, edge, side, edge)
        live.setSpacing(edge)
        live.addWidget(self.running)
        live.addLayout(self._row, 1)
        history = QWidget(self)
        column = QVBoxLayout(history)
        column.setContentsMargins(side, edge, side, edge)
        column.addWidget(self.finished)
        self._views.addWidget(self._live)
        self._views.addWidget(history)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addLayout(self._views)
