"""CardView: a model that can be fetched: what it is, its licence, its sizes, what its author says; and the button."""

from typing import Final
from urllib.parse import quote, urlsplit

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.markdown.link_question import ask_to_open
from app.models.card_view_parts import AuthorSection, CardSection, GatedNote, LicenceSection
from app.models.discover_controller import Detail, DiscoverController
from app.models.hub_words import (
    downloads_words,
    hub_fit_look,
    left_words,
    line,
    name_of,
    quality_words,
    short_name,
    stated_licence,
    task_words,
)
from app.models.size_slider import STOPS, SizeSlider, file_sentence
from app.models.words import count_words, size_words
from app.theme import Appearance
from app.theme.widgets import Chip, ChoiceDialog, ColumnScroll, ElidedLabel, IconButton, IconChip, SidePane
from app.theme.widgets.labels import say, text_label
from app.usage import percent
from engine import BackgroundJob, Fit, HubFile, HubModel, JobState

_RESERVE_BYTES: Final = 500_000_000  # the system needs some of the disk too


class CardView(SidePane):
    """A head, sections that scroll, and a fixed footer with the one main button.

    Attributes:
        sizes: the files, from light to powerful.
        main_button: fetches the chosen file, or opens the model if it is here.

    Signals:
        open_wanted: id of an installed model.
        token_wanted: a token is to be entered.

    Thread: UI only.
    """

    open_wanted = Signal(str)
    token_wanted = Signal()

    def __init__(self, appearance: Appearance, controller: DiscoverController, parent: QWidget | None = None) -> None:
        super().__init__(appearance, parent)
        self._controller = controller
        self._repo = ""
        self._picked = ""  # name of the file that the person chose
        self._title = ElidedLabel("", self)
        self.close_button = IconButton(appearance, "close", "Close the details", parent=self)
        self._close_with(self.close_button)
        self._about = ElidedLabel("", self, Qt.TextElideMode.ElideRight)
        self._fit = IconChip(appearance, "success", "", "ok", self)
        self._licence_chip = Chip("", "outline", self)
        self._advice = Chip("Recommended", "accent", self)
        self._summary = text_label("")
        self.gated = GatedNote(appearance, self)
        self.sizes = SizeSlider(appearance, self)
        self.files = QComboBox(self)
        self._chosen_note = text_label("", "small", is_muted=True)
        self.licence = LicenceSection(appearance, self)
        self.author = AuthorSection(appearance, self)
        self.main_button = QPushButton(self)
        self._room = text_label("", "small", is_muted=True)
        self._lay_out()
        self._connect()
        appearance.changed.connect(self._paint_button)

    def show_detail(self) -> None:
        """Show the model that the controller looks at, as far as it is known."""
        detail = self._controller.detail
        if detail is None:
            return
        model = detail.model
        if model.repo != self._repo:
            self._repo, self._picked = model.repo, ""
            self._scroll.verticalScrollBar().setValue(0)
        self.setAccessibleName(f"Details of {name_of(model)}")
        say(self._title, name_of(model))
        say(self._about, _about(model))
        self._about.setAccessibleDescription(f"{line(model.repo)} on {self._host}")
        say(self._licence_chip, stated_licence(model.licence))
        self._advice.setVisible(model.is_catalogued)
        say(self._summary, line(model.summary) or " · ".join(task_words(task) for task in model.tasks))
        self._summary.setVisible(bool(self._summary.text()))
        state = self._controller.state
        self.gated.setVisible(model.is_gated)
        self.gated.show_state(state.token_kept_in, self._host)
        self.sizes.show_files(model.files, model.recommended, self._picked)
        self._show_files(detail)
        self.licence.show_licence(detail)
        self.author.show_detail(detail, self._host)
        self._show_choice()

    def focus_first(self) -> None:
        """Give the keyboard to the choice of size, or to the main button."""
        target = self.sizes.slider if self.sizes.slider.isVisible() else self.main_button
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def press_main(self) -> ChoiceDialog | None:
        """Do what the main button says; what does not fit is asked about, and the question is returned."""
        detail, file = self._controller.detail, self.sizes.file
        if detail is None or file is None:
            self._controller.load_card()
            return None
        here = self._controller.installed(detail.model, file.name)
        if here:
            self.open_wanted.emit(here)
        elif file.fit is Fit.NO:
            return self._ask(detail.model, file)
        else:
            self._controller.download(file.name)
        return None

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close with Escape where the pane lies over the page."""
        if event.key() == Qt.Key.Key_Escape and not self.close_button.isHidden():
            self.close_pressed.emit()
        else:
            super().keyPressEvent(event)

    # ------------------------------------------------------------------------------------------------------- private

    @property
    def _host(self) -> str:
        return urlsplit(self._controller.state.url).hostname or "the hub"

    def _connect(self) -> None:
        self._controller.detail_changed.connect(self.show_detail)
        self.gated.token_pressed.connect(self.token_wanted)
        self.gated.page_pressed.connect(self._open_page)
        self.sizes.chosen.connect(self._pick)
        self.files.activated.connect(lambda at: self._pick(self.files.itemData(at)))
        self.author.wanted.connect(self._controller.load_card)
        self.author.link_pressed.connect(self._ask_to_open)
        self.author.copy_requested.connect(lambda text: QGuiApplication.clipboard().setText(text))
        self.licence.link_pressed.connect(self._ask_to_open)
        self.main_button.clicked.connect(self.press_main)

    def _pick(self, name: str) -> None:
        self._picked = name
        detail = self._controller.detail
        if detail is not None:
            self.sizes.show_files(detail.model.files, detail.model.recommended, name)
            self._show_files(detail)
        self._show_choice()

    def _show_files(self, detail: Detail) -> None:
        """Offer the files that have no card of their own, where there are more than four."""
        files = detail.model.files
        names = [file.name for file in files]
        if [self.files.itemData(at) for at in range(self.files.count())] != names:
            self.files.clear()
            for file in files:
                self.files.addItem(f"{short_name(file)} · {size_words(file.size_bytes)}", file.name)
        chosen = self.sizes.file
        if chosen is not None:
            self.files.setCurrentIndex(names.index(chosen.name))
        self.files.setVisible(len(files) > STOPS)
        self._choice.setVisible(bool(files))

    def _show_choice(self) -> None:
        """Say what the chosen file is, and what the button does with it."""
        detail, file = self._controller.detail, self.sizes.file
        if detail is None:
            return
        look = hub_fit_look(file)
        self._fit.show_look(look.icon, look.words, look.tone)
        here = self._controller.installed(detail.model, file.name) if file is not None else ""
        job = self._controller.download_of(detail.model, file.name) if file is not None else None
        say(self._chosen_note, _file_words(detail, file) if file is not None else "")
        self._show_button(detail, file, here, job if job is not None and not job.is_over else None)

    def _show_button(self, detail: Detail, file: HubFile | None, here: str, job: BackgroundJob | None) -> None:
        button, state = self.main_button, self._controller.state
        short = _missing(file, state.free_bytes) if file is not None else 0
        words, icon, why = "Show its files", "search", ""
        is_enabled = not detail.is_loading
        if here:
            words, icon, why = "Open", "check", "It is installed."
        elif job is not None:
            words, icon, why, is_enabled = _job_words(job), "download", "It comes in the background.", False
        elif file is not None:
            words, icon = f"Download {size_words(file.size_bytes)}", "download"
            why = f"{size_words(state.free_bytes)} free on disk" if state.free_bytes else ""
            if state.is_offline:
                is_enabled, why = False, "Hearth works offline. Go online to fetch it."
            elif short:
                is_enabled, why = False, f"The disk lacks {size_words(short)}. Remove a model, or free some space."
        button.setEnabled(is_enabled)
        button.setToolTip("" if is_enabled else why)
        if button.text() != words:
            button.setText(words)
        button.setAccessibleName(f"{words}: {name_of(detail.model)}")
        say(self._room, why)
        self._icon = icon
        self._paint_button()

    def _ask(self, model: HubModel, file: HubFile) -> ChoiceDialog:
        dialog = ChoiceDialog(self._appearance, "Download a model that does not fit?", "Not now", "Download", self)
        words = (
            f"{name_of(model)} {short_name(file)} needs more memory than models may take on this computer, even if "
            f"parts of it are read from the disk again and again. {size_words(file.size_bytes)} would be fetched."
        )
        dialog.room.addWidget(text_label(words))
        fitting = [each for each in model.files if each.fit in {Fit.FITS, Fit.PAGING}]
        if fitting:
            best = max(fitting, key=lambda each: each.size_bytes)
            dialog.room.addWidget(text_label(f"{file_sentence(best)}: that one can be used here."))
        dialog.accepted.connect(lambda: self._controller.download(file.name))
        dialog.open()
        return dialog

    def _ask_to_open(self, url: str) -> None:
        ask_to_open(url, "The author of the model", self)

    def _open_page(self) -> None:
        base = self._controller.state.url.rstrip("/")
        self._ask_to_open(f"{base}/{quote(self._repo)}")

    def _paint_button(self) -> None:
        theme = self._appearance.theme
        self.main_button.setIcon(theme.icon(self._icon, "accent-text", theme.size("icon-small")))

    # -------------------------------------------------------------------------------------------------------- layout

    def _lay_out(self) -> None:
        self._icon = "download"
        self.main_button.setProperty("kind", "primary")
        self.files.setAccessibleName("All files of this model")
        self._lay_out_head()
        self._scroll = self._body()
        self.whole.addWidget(self._scroll, 1)
        footer = self._add_footer("m")
        footer.addWidget(self.main_button)
        footer.addWidget(self._room, 1)

    def _lay_out_head(self) -> None:
        theme = self._appearance.theme
        self._title.setProperty("role", "title")
        self._about.setProperty("muted", True)
        title = QHBoxLayout()
        title.addWidget(self._title, 1)
        title.addWidget(self.close_button)
        chips = QHBoxLayout()
        chips.setSpacing(theme.space("s"))
        for chip in (self._fit, self._licence_chip, self._advice):
            chips.addWidget(chip)
        chips.addStretch(1)
        column = self._add_head()
        column.addLayout(title)
        column.addWidget(self._about)
        column.addSpacing(theme.space("s"))
        column.addLayout(chips)

    def _body(self) -> ColumnScroll:
        theme = self._appearance.theme
        edge = theme.space("l") + theme.space("xs")
        body = QWidget()
        self._choice = CardSection(self._appearance, "Choose a size", body)
        self._choice.head.addWidget(self.files)
        self._choice.column.addWidget(self.sizes)
        self._choice.column.addWidget(self._chosen_note)
        column = QVBoxLayout(body)
        column.setContentsMargins(edge, 0, theme.space("s"), theme.space("l"))
        column.setSpacing(theme.space("m"))
        column.addWidget(self._summary)
        column.addWidget(self.gated)
        sections = QVBoxLayout()
        sections.setSpacing(0)
        for section in (self._choice, self.licence, self.author):
            sections.addWidget(section)
        column.addLayout(sections)
        column.addStretch(1)
        return ColumnScroll("Details", body, self.width() - 1, self)


def _about(model: HubModel) -> str:
    said = (
        f"by {line(model.repo.partition('/')[0])}",
        f"{count_words(model.parameters)} parameters" if model.parameters else "",
        f"context up to {model.context_tokens:,}" if model.context_tokens else "",
        downloads_words(model.downloads) if model.downloads is not None else "",
    )
    return " · ".join(filter(None, said))


def _file_words(detail: Detail, file: HubFile) -> str:
    """What the chosen file is, in a sentence or two."""
    parts = f" in {len(file.parts)} files" if len(file.parts) > 1 else ""
    quality = quality_words(file)
    said = [f"{line(file.name.rpartition('/')[2])}{parts}."]
    if quality:
        said.append(f"Quality by its type: {quality.lower()}; Hearth can measure it once the model is here.")
    if file.name == detail.model.recommended:
        said.append("This is what suits this computer best.")
    if detail.card is not None and not any(file.sha256):
        said.append("The hub states no checksum of it.")
    return " ".join(said)


def _job_words(job: BackgroundJob) -> str:
    if job.state is JobState.PAUSED:
        return f"Paused at {percent(job.share)}"
    left = f", {left_words(job.left_s)} left" if job.left_s is not None else ""
    return f"Downloading {percent(job.share)}{left}"


def _missing(file: HubFile, free_bytes: int) -> int:
    """Bytes that the disk lacks; 0 if there is room, or nobody knows."""
    return max(0, file.size_bytes + _RESERVE_BYTES - free_bytes) if free_bytes else 0
