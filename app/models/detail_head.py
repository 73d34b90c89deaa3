"""DetailHead: name of the chosen model, which can be changed here, what it is in one line, and chips."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from app.models.load_states import LoadState
from app.models.rows import Row
from app.models.words import FitLook, about_words
from app.theme import Appearance
from app.theme.widgets import Chip, ElidedLabel, IconButton, IconChip
from app.theme.widgets.labels import say


class TitleEdit(QLineEdit):
    """The name while it is changed.

    Signals:
        done: the name that is wanted.
        given_up: it stays as it was.
    """

    done = Signal(str)
    given_up = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter takes it, Escape gives it up."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.done.emit(self.text().strip())
        elif event.key() == Qt.Key.Key_Escape:
            self.given_up.emit()
        else:
            super().keyPressEvent(event)


class DetailHead(QWidget):
    """Title, pin, menu; below them a line and the chips.

    Attributes:
        pin: keeps the model in memory.
        more: opens the menu.
        close_button: for a pane that lies over the page.

    Signals:
        renamed: another name; empty for its own.
    """

    renamed = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._title = ElidedLabel("", self)
        self._title.setProperty("role", "title")
        self._edit = TitleEdit(self)
        self._edit.setAccessibleName("Name of this model; empty takes its own")
        self._edit.setMaxLength(120)
        self._name = QStackedWidget(self)
        self._name.addWidget(self._title)
        self._name.addWidget(self._edit)
        self.pin = IconButton(appearance, "pin", "Keep it in memory", small=True, parent=self)
        self.pin.setCheckable(True)
        self.more = IconButton(appearance, "more", "More about this model", small=True, parent=self)
        self.close_button = IconButton(appearance, "close", "Close the details", small=True, parent=self)
        self._about = ElidedLabel("", self, Qt.TextElideMode.ElideRight)
        self._about.setProperty("role", "small")
        self._about.setProperty("muted", True)
        self._fits: dict[str, IconChip] = {}
        self._chips = QHBoxLayout()
        self._format = Chip("", "outline", self)
        self._device = Chip("", "outline", self)
        self._lay_out()
        self._edit.done.connect(self._on_done)
        self._edit.given_up.connect(self._show_title)
        self._edit.editingFinished.connect(self._show_title)

    @property
    def title(self) -> str:
        """The name that is shown."""
        return self._title.text()

    def show_row(self, row: Row, look: FitLook, state: LoadState, device: str) -> None:
        """Show a model."""
        say(self._title, row.title)
        card = row.card
        say(self._about, about_words(card.info) if card is not None else row.subtitle)
        self._show_look(look)
        words = (card.info.quantization or card.info.format.upper()) if card is not None else ""
        self._format.setText(words)
        self._format.setVisible(bool(words))
        self._device.setText(device)
        self._device.setVisible(any(letter.isalnum() for letter in device))
        self.pin.setVisible(card is not None and not row.is_refused)
        is_pinned = state.is_pinned or (card is not None and card.defaults.is_pinned)
        self.pin.setChecked(is_pinned)
        self.pin.set_name(f"Let {row.title} leave memory again" if is_pinned else f"Keep {row.title} in memory")
        self.more.set_name(f"More about {row.title}")

    def rename(self) -> None:
        """Change the name here."""
        self._edit.setText(self._title.text())
        self._name.setCurrentWidget(self._edit)
        self._edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._edit.selectAll()

    def _on_done(self, title: str) -> None:
        was = self._title.text()
        self._show_title()
        if title != was:
            self.renamed.emit(title)

    def _show_title(self) -> None:
        if self._name.currentWidget() is self._edit:
            self._name.setCurrentWidget(self._title)
            self.more.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_look(self, look: FitLook) -> None:
        """One chip for each icon: a chip keeps its own."""
        for icon, chip in self._fits.items():
            chip.setVisible(icon == look.icon)
        if look.icon not in self._fits:
            chip = IconChip(self._appearance, look.icon, look.words, look.tone, self)
            self._fits[look.icon] = chip
            self._chips.insertWidget(0, chip)
        shown = self._fits[look.icon]
        shown.show_state(look.words, look.tone)
        shown.setAccessibleName(look.words)
        shown.show()

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._name.setFixedHeight(theme.size("control"))
        title = QHBoxLayout()
        title.setSpacing(theme.space("xs"))
        title.addWidget(self._name, 1)
        for button in (self.pin, self.more, self.close_button):
            title.addWidget(button)
        self._chips.setSpacing(theme.space("s"))
        self._chips.addWidget(self._format)
        self._chips.addWidget(self._device)
        self._chips.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.space("l") + theme.space("xs"), 14, theme.space("l") + theme.space("xxs"), 10)
        column.setSpacing(0)
        column.addLayout(title)
        column.addWidget(self._about)
        column.addSpacing(theme.space("m"))
        column.addLayout(self._chips)
