"""Board: the content of the page, two columns of cards."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.preferences.answers_card import AnswersCard, PromptsCard
from app.preferences.appearance_card import AppearanceCard
from app.preferences.controller import PreferencesController
from app.preferences.memory_card import MemoryCard
from app.preferences.network_card import NetworkCard, PlacesCard
from app.theme import Appearance
from app.theme.widgets.labels import text_label

MoreCards = Callable[[QWidget], Sequence[QWidget]]
"""Makes cards for a parent."""


class Board(QWidget):
    """Shows what the controller knows.

    Attributes:
        memory, answers, prompts, network, places, looks: the cards.
        more: cards of others, below these.
    """

    def __init__(
        self,
        appearance: Appearance,
        controller: PreferencesController,
        more: MoreCards | None = None,
        parent: QWidget | None = None,
    ) -> None:
        """Make the cards.

        Args:
            appearance: of them.
            controller: what they show.
            more: makes cards of others, of which every second one stands in the right column.
            parent: where it lives.
        """
        super().__init__(parent)
        self._appearance = appearance
        self._controller = controller
        self.memory = MemoryCard(appearance, controller, self)
        self.answers = AnswersCard(appearance, controller, self)
        self.prompts = PromptsCard(appearance, controller, self)
        self.network = NetworkCard(appearance, controller.network, self)
        self.places = PlacesCard(appearance, controller.network, self)
        self.looks = AppearanceCard(appearance, self)
        self.more = tuple(more(self)) if more is not None else ()
        self._columns = QHBoxLayout()
        self._column = QVBoxLayout(self)
        self._lay_out()
        controller.ticked.connect(self.show_now)
        controller.busy_changed.connect(self.show_now)
        self.show_now()

    def show_now(self) -> None:
        """Show what the controller saw last."""
        look = self._controller.look
        if look is not None:
            for card in (self.memory, self.answers, self.prompts):
                card.show_look(look)
        self.looks.show_setting()

    def leave_room(self, bar: int) -> None:
        """Keep the right edge where it is, whether there is a scroll bar of some width or not."""
        margins = self._column.contentsMargins()
        margins.setRight(margins.left() - bar)
        self._column.setContentsMargins(margins)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        edge, side = theme.space("l"), theme.space("xl")
        self._column.setContentsMargins(side, edge, side, edge)
        self._column.setSpacing(edge)
        self._columns.setSpacing(edge)
        left: list[QWidget] = [self.memory, self.network, self.looks]
        right: list[QWidget] = [self.answers, self.prompts, self.places]
        for cards in (left + list(self.more[1::2]), right + list(self.more[::2])):
            column = QVBoxLayout()
            column.setSpacing(edge)
            for card in cards:
                column.addWidget(card)
            column.addStretch(1)
            self._columns.addLayout(column, 1)
        more = f"The engine's other settings stand in {self._controller.settings_file}."
        self._column.addLayout(self._columns)
        self._column.addWidget(text_label(more, "small", is_muted=True, can_copy=True))
        self._column.addStretch(1)
