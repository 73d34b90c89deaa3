"""Parts of CardView: a titled section, the licence, and what the author of a model says."""

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.markdown.growing_text import GrowingText
from app.markdown.links import is_safe_link
from app.models.card_view_text import MOST_CARD
from app.models.discover_controller import Detail
from app.models.hub_words import clean, stated_licence
from app.theme import Appearance
from app.theme.widgets import IconNote
from app.theme.widgets.labels import say, text_label

_ASK: Final = "Read what its author says"


class CardSection(QFrame):
    """A line above, a title, and room below it."""

    def __init__(self, appearance: Appearance, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("line", "top")
        theme = appearance.theme
        self.title = text_label(title, "strong")
        self.head = QHBoxLayout()
        self.head.setSpacing(theme.space("s"))
        self.head.addWidget(self.title, 1)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, theme.space("m"), 0, theme.space("m"))
        self.column.setSpacing(theme.space("s"))
        self.column.addLayout(self.head)


class GatedNote(IconNote):
    """Says that the author wants to know who takes a model, and what to do.

    Signals:
        token_pressed: enter a token.
        page_pressed: open the model's page in the browser.
    """

    token_pressed = Signal()
    page_pressed = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "key", "info", "info", parent)
        self._text = text_label("")
        self.add_label(text_label("It needs an account.", "strong"))
        self.add_label(self._text)
        self.token_button = self.add_button("Enter a token…")
        self.token_button.clicked.connect(self.token_pressed)
        self.page_button = self.add_button("Open its page…")
        self.page_button.clicked.connect(self.page_pressed)

    def show_state(self, kept_in: str, host: str) -> None:
        """Say what is missing.

        Args:
            kept_in: where a token is kept, in words; empty if there is none.
            host: of the hub.
        """
        terms = f"Its author wants to know who takes it: agree to the terms on its page at {host}"
        say(self._text, f"{terms}. Your token is kept in {kept_in}." if kept_in else f"{terms}, then enter a token.")
        self.token_button.setText("Another token…" if kept_in else "Enter a token…")


class LicenceSection(CardSection):
    """The licence: its name, where it can be read, and its text, before the first byte is fetched.

    Signals:
        link_pressed: an address, which nobody has opened yet.
    """

    link_pressed = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Licence", parent)
        self._url = ""
        self._name = text_label("", can_copy=True)
        self._text = text_label("", "small", is_muted=True, can_copy=True)
        self.more_button = QPushButton("Show its text", self)
        self.link_button = QPushButton("Read it in the browser…", self)
        for button in (self.more_button, self.link_button):
            button.setProperty("link", True)
            button.setProperty("small", True)
        self.more_button.clicked.connect(lambda: self._show_text(self._text.isHidden()))
        self.link_button.clicked.connect(lambda: self.link_pressed.emit(self._url))
        self._links = QWidget(self)
        links = QHBoxLayout(self._links)
        links.setContentsMargins(0, 0, 0, 0)
        links.setSpacing(appearance.theme.space("l"))
        links.addWidget(self.more_button)
        links.addWidget(self.link_button)
        links.addStretch(1)
        self.column.addWidget(self._name)
        self.column.addWidget(self._links)
        self.column.addWidget(self._text)
        self._text.hide()

    def show_licence(self, detail: Detail) -> None:
        """Show what is known of it."""
        card = detail.card
        said = stated_licence(detail.model.licence)
        if not detail.model.licence:
            said += ". Ask its author before you use it for more than a look."
        say(self._name, said)
        text = clean(card.licence_text).strip() if card is not None else ""
        self._url = card.licence_url if card is not None and is_safe_link(card.licence_url) else ""
        if self._text.text() != text:
            say(self._text, text)
            self._show_text(0 < len(text) <= len(said) + 80)
        self.more_button.setVisible(bool(text))
        self.link_button.setVisible(bool(self._url))
        self.link_button.setToolTip(self._url)
        self._links.setVisible(bool(text or self._url))

    def _show_text(self, is_shown: bool) -> None:
        self._text.setVisible(is_shown)
        self.more_button.setText("Hide its text" if is_shown else "Show its text")


class AuthorSection(CardSection):
    """What the author says: untrusted Markdown, in which nothing is loaded and every link asks first.

    Signals:
        wanted: it is to be fetched.
        link_pressed: a safe link; nothing has been opened.
        copy_requested: a block of code, for the clipboard.
    """

    wanted = Signal()
    link_pressed = Signal(str)
    copy_requested = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "What its author says", parent)
        self._appearance = appearance
        self._source = ""
        self._text: GrowingText | None = None
        self._note = text_label("", is_muted=True)
        self.button = QPushButton(_ASK, self)
        self.button.setProperty("small", True)
        self.button.clicked.connect(self.wanted)
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addStretch(1)
        self.column.addWidget(self._note)
        self.column.addLayout(row)

    @property
    def text(self) -> GrowingText | None:
        """What is shown of the card; None before one was shown."""
        return self._text

    def show_detail(self, detail: Detail, host: str) -> None:
        """Show the card, or why it is not there."""
        card = detail.card
        if card is None:
            note = detail.cause or (f"Asking {host}…" if detail.is_loading else f"Asks {host} for its page.")
            say(self._note, " ".join(filter(None, (note, detail.remedy))))
            self.button.setText("Try again" if detail.cause else _ASK)
        elif not detail.text:
            say(self._note, "Its author has written nothing about it.")
        self.button.setVisible(card is None and not detail.is_loading)
        self._note.setVisible(not detail.text)
        cut = f"\n\n*Only the first {MOST_CARD:,} letters are shown.*" if detail.is_cut else ""
        self._show_text(detail.text + cut)

    def _show_text(self, text: str) -> None:
        if text == self._source:
            return
        self._source = text
        if self._text is not None:
            self.column.removeWidget(self._text)
            self._text.hide()
            self._text.deleteLater()
            self._text = None
        if text:
            self._text = GrowingText(self._appearance, "What its author says", self)
            self._text.link_pressed.connect(self.link_pressed)
            self._text.copy_requested.connect(self.copy_requested)
            self.column.addWidget(self._text)
            self._text.finish(text, is_markdown=True)
            self._text.show()
