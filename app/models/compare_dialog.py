"""CompareDialog: two models side by side: facts, verdicts, reports, and one question answered by both."""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.models.compare_ask import CompareAsk
from app.models.compare_controller import CompareController
from app.models.compare_table import BAR, NOTE, TITLE, CompareTable
from app.models.compare_words import Side, compared
from app.models.hub_source import CompareSource
from app.tasks import Tasks
from app.theme import Appearance
from app.theme.widgets import ChoiceDialog
from app.theme.widgets.labels import text_label
from engine import Accepts, ModelCard

_SIZE: Final = (880, 640)
_ANSWERS: Final = 190


class CompareDialog(ChoiceDialog):
    """Nothing is changed by it: both of its buttons close it, and only one is shown.

    Attributes:
        controller: has verdicts looked up and questions answered.
        first: chooses model A.
        second: chooses model B.
        table: the facts.
        ask: the question for both; hidden unless both answer questions.
    """

    def __init__(
        self,
        appearance: Appearance,
        engine: CompareSource,
        tasks: Tasks,
        cards: Sequence[ModelCard],
        first: str,
        parent: QWidget,
    ) -> None:
        """Compare a model with the next best one.

        Args:
            appearance: gives the looks.
            engine: what is asked.
            tasks: where coroutines are started.
            cards: what can be compared.
            first: id of model A.
            parent: where it lives.
        """
        super().__init__(appearance, "Compare two models", "Close", "", parent)
        self.yes_button.hide()
        self.safe_button.setDefault(False)  # Enter in the field asks, and closes nothing
        self.safe_button.setAutoDefault(False)
        self.setMinimumSize(*_SIZE)
        self.setMaximumWidth(1 << 14)
        self.controller = CompareController(engine, tasks, self)
        self._cards = {card.info.id: card for card in cards}
        self.first, self.second = self._combo("Model A"), self._combo("Model B")
        self.table = CompareTable(appearance, self)
        self._hint = text_label("", "small", is_muted=True)
        self.ask = CompareAsk(appearance, self.controller, self._chosen, self)
        self._fill()
        self.first.setCurrentIndex(max(0, self.first.findData(first)))
        self.second.setCurrentIndex(max(0, self.second.findData(self._partner(first))))
        for combo in (self.first, self.second):
            combo.currentIndexChanged.connect(self._on_chosen)
        self.controller.judged.connect(self._show_facts)
        self.finished.connect(self.controller.stop)
        self._on_chosen()

    # ------------------------------------------------------------------------------------------------------- private

    def _combo(self, name: str) -> QComboBox:
        combo = QComboBox(self)
        combo.setAccessibleName(name)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for card in self._cards.values():
            words = " ".join(filter(None, (card.title, card.info.quantization)))
            combo.addItem(words, card.info.id)
        return combo

    def _fill(self) -> None:
        theme = self._appearance.theme
        head = QHBoxLayout()
        head.setSpacing(theme.space("s"))
        lead = QLabel("", self)
        lead.setFixedWidth(TITLE)
        head.addWidget(lead)
        for letter, combo in (("A", self.first), ("B", self.second)):
            label = QLabel(letter, self)
            label.setProperty("role", "strong")
            label.setFixedWidth(theme.size("icon-small"))
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setBuddy(combo)
            head.addWidget(label)
            head.addWidget(combo, 1)
        tail = QLabel("Difference", self)
        tail.setProperty("muted", True)
        tail.setFixedWidth(NOTE + theme.space("m") + BAR)
        head.addWidget(tail)
        facts = QVBoxLayout()
        facts.setSpacing(theme.space("s"))
        facts.addLayout(head)
        facts.addWidget(self.table, 1)
        self.room.addLayout(facts, 1)
        self.room.addWidget(self._hint)
        self.ask.setFixedHeight(_ANSWERS)
        self.room.addWidget(self.ask)

    def _partner(self, first: str) -> str:
        """The model that is most worth comparing with: of the same source, else for the same, else any other."""
        card = self._cards.get(first)
        others = [other for other in self._cards.values() if other.info.id != first]
        if card is None or not others:
            return first

        def nearness(other: ModelCard) -> tuple[bool, bool, bool]:
            made = {card.info.id, card.provenance.made_from} & {other.info.id, other.provenance.made_from} - {""}
            is_alike = other.info.accepts == card.info.accepts
            return bool(made), is_alike, other.info.architecture == card.info.architecture

        return max(others, key=nearness).info.id

    def _chosen(self) -> tuple[str, str]:
        return str(self.first.currentData()), str(self.second.currentData())

    def _on_chosen(self) -> None:
        self.controller.stop()
        for model in self._chosen():
            if model in self._cards:
                self.controller.judge(model)
        self._show_facts()

    def _show_facts(self) -> None:
        cards = [self._cards.get(model) for model in self._chosen()]
        if cards[0] is None or cards[1] is None:
            return
        sides = [
            Side(card, self.controller.verdict(card.info.id), self.controller.reason(card.info.id))
            for card in cards
            if card is not None
        ]
        self.table.show_facts(compared(sides[0], sides[1]))
        can_ask = all(Accepts.MESSAGES in side.card.info.accepts for side in sides)
        self.ask.setVisible(can_ask)
        is_same = cards[0].info.id == cards[1].info.id
        hint = "Choose another model beside it." if is_same else "≠ marks a difference, a tick the better of two."
        self._hint.setText(hint)
