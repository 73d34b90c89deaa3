"""RefusedNote: which rule a file breaks, why that matters, and what to do about it."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.models.rows import Row
from app.theme import Appearance
from app.theme.widgets import IconNote
from app.theme.widgets.labels import say, text_label


class RefusedNote(IconNote):
    """Hidden for a model that can be used.

    Attributes:
        again: tries it out once more.

    Signals:
        again_pressed: try it out once more.
        folder_pressed: show the file.
    """

    again_pressed = Signal()
    folder_pressed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "error", "danger", "bad", parent)
        self._title = text_label("", "strong")
        self._cause = text_label("", can_copy=True)
        self._remedy = text_label("", can_copy=True)
        for label in (self._title, self._cause, self._remedy):
            self.add_label(label)
        self._words.setSpacing(appearance.theme.space("xs"))
        self._mark.setContentsMargins(0, appearance.theme.space("xxs"), 0, 0)
        self.again = self.add_button("Try it again")
        self.again.clicked.connect(self.again_pressed)
        self.add_button("Show in folder").clicked.connect(self.folder_pressed)

    def show_row(self, row: Row) -> None:
        """Show why a file cannot be used."""
        self.setVisible(row.is_refused)
        if not row.is_refused:
            return
        title = f"It breaks the rule “{row.rule}”." if row.rule else "It cannot be used."
        say(self._title, title)
        say(self._cause, row.cause)
        say(self._remedy, row.remedy)
        self._remedy.setVisible(bool(row.remedy))
        self.again.setVisible(row.card is not None)
        self.setAccessibleName(f"{title} {row.cause} {row.remedy}".strip())
