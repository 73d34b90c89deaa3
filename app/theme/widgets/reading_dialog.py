"""ReadingDialog: one or several texts to read, each by its name and size, and perhaps something to do with them."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QWidget

from app.theme.appearance import Appearance
from app.theme.widgets.choice_dialog import ChoiceDialog
from app.theme.widgets.labels import say, text_label
from app.theme.widgets.reader_pane import ReaderPane

_WIDTH = 880
_HEIGHT = 600
_LIST_WIDTH = 200
_ROW_HEIGHT = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A text.

    Attributes:
        name: of it, such as that of its file.
        text: plain.
        size: in words; empty where nobody asks.
        at_end: whether its end is read first, as that of a log.
    """

    name: str
    text: str
    size: str = ""
    at_end: bool = False


class ReadingDialog(ChoiceDialog):
    """Shows texts; without words for a button there is nothing to do but to read.

    Attributes:
        names: of the texts; hidden where there is only one.
        reader: shows the one that is chosen.
    """

    def __init__(self, appearance: Appearance, title: str, words: str, parent: QWidget, yes: str = "") -> None:
        super().__init__(appearance, title, "Close", yes, parent, _WIDTH)
        self._texts: tuple[Reading, ...] = ()
        self.yes_button.setVisible(bool(yes))
        self.names = QListWidget(self)
        self.names.setAccessibleName("Files")
        self.names.setFixedWidth(_LIST_WIDTH)
        self.reader = ReaderPane(appearance, title, self)
        self._words = text_label(words, "small", is_muted=True)
        self._words.setFixedWidth(self.room_width)
        row = QHBoxLayout()
        row.setSpacing(appearance.theme.space("l"))
        row.addWidget(self.names)
        row.addWidget(self.reader, 1)
        self.room.addWidget(self._words)
        self.room.addLayout(row, 1)
        self.setFixedHeight(_HEIGHT)
        self.names.currentRowChanged.connect(self._on_chosen)
        self.names.hide()

    def show_texts(self, texts: Sequence[Reading]) -> None:
        """Show these, the first one opened."""
        self._texts = tuple(texts)
        self.names.clear()
        for text in texts:
            item = QListWidgetItem(f"{text.name}\n{text.size}" if text.size else text.name)
            item.setSizeHint(QSize(0, _ROW_HEIGHT * (2 if text.size else 1)))
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{text.name}, {text.size}")
            self.names.addItem(item)
        self.names.setVisible(len(texts) > 1)
        self.names.setCurrentRow(0)

    def say(self, words: str) -> None:
        """Say something else above the texts."""
        say(self._words, words)

    def _on_chosen(self, row: int) -> None:
        if 0 <= row < len(self._texts):
            chosen = self._texts[row]
            self.reader.show_text(chosen.text, at_end=chosen.at_end)
