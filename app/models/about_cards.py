"""What else is said of a model: where it is used, its labels, its facts, its template, its files."""

from datetime import datetime
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app.models.details import Shown
from app.models.sections import NAME_WIDTH, ModelSection, PairList
from app.models.words import (
    count_words,
    format_words,
    licence_words,
    list_words,
    origin_words,
    size_words,
    task_words,
    trust_words,
)
from app.theme import Appearance
from app.theme.widgets import ElidedLabel, IconButton
from app.theme.widgets.labels import say, text_label
from engine import Origin

_SHORT_DIGEST: Final = 12
_TEMPLATE_LINES: Final = 6
_TEMPLATE_CHARS: Final = 1200
_MOST_FILES: Final = 8
_MOST_TAGS: Final = 12


class UsesCard(ModelSection):
    """What a model is used for: tasks that it serves, plugins that serve it, and where it is chosen."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Where it is used", parent)
        self._words = text_label("")
        self.column.addWidget(self._words)

    def show_model(self, shown: Shown) -> None:
        """Say it."""
        card = shown.row.card
        self.setVisible(card is not None and not shown.row.is_refused)
        if card is None:
            return
        lines = [*shown.uses, *(task_words(task) for task in card.info.tasks)]
        if card.info.plugins:
            noun = "plugin" if len(card.info.plugins) == 1 else "plugins"
            lines.append(f"Served by the {noun} {list_words(card.info.plugins)}")
        say(self._words, "\n".join(lines) or "Nothing in Hearth can use it: no plugin knows this kind of model.")

    @property
    def words(self) -> str:
        """What is said."""
        return self._words.text()


class LabelsCard(ModelSection):
    """Tags, and whether it is a favourite.

    Attributes:
        tags: the tags, with commas between them.
        favourite: marks it.

    Signals:
        tagged: other tags.
        favoured: whether it is a favourite now.
    """

    tagged = Signal(object)
    favoured = Signal(bool)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Tags", parent)
        self._shown: tuple[str, ...] = ()
        self.favourite = QPushButton("Favourite", self)
        self.favourite.setProperty("small", True)
        self.favourite.setCheckable(True)
        self._appearance = appearance
        self.head.addWidget(self.favourite)
        self.tags = QLineEdit(self)
        self.tags.setAccessibleName("Tags of this model, with commas between them")
        self.tags.setPlaceholderText("such as work, fast")
        self.tags.setMaxLength(400)
        self.tags.editingFinished.connect(self._on_edited)
        self.favourite.clicked.connect(self.favoured)
        self.column.addWidget(self.tags)
        appearance.changed.connect(self._restyle)
        self._restyle()

    def show_model(self, shown: Shown) -> None:
        """Show a model's."""
        card = shown.row.card
        self.setVisible(card is not None and not shown.row.is_refused)
        if card is None:
            return
        if card.tags != self._shown or not self.tags.hasFocus():
            self._shown = card.tags
            self.tags.setText(", ".join(card.tags))
        self.favourite.setChecked(card.is_favourite)
        words = "No longer a favourite" if card.is_favourite else "Make it a favourite"
        self.favourite.setAccessibleName(words)
        self.favourite.setToolTip(words)

    def _on_edited(self) -> None:
        tags = tuple(dict.fromkeys(" ".join(tag.split()) for tag in self.tags.text().split(",") if tag.strip()))
        if tags[:_MOST_TAGS] != self._shown:
            self._shown = tags[:_MOST_TAGS]
            self.tagged.emit(self._shown)

    def _restyle(self) -> None:
        theme = self._appearance.theme
        edge = theme.size("icon-small")
        self.favourite.setIcon(theme.icon("star", "text-muted", edge, checked_role="accent-ink"))


class FactsCard(ModelSection):
    """Numbers of its header, where it came from, its licence and its digest."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "About this model", parent)
        self._appearance = appearance
        self._pairs = PairList(appearance)
        self._trust = text_label("", "small", is_muted=True)
        self._sha256 = ""
        self._digest = ElidedLabel("", None, Qt.TextElideMode.ElideMiddle)
        self._digest.setFont(appearance.theme.font("mono"))
        self._copy = IconButton(appearance, "copy", "Copy the SHA-256", small=True)
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._sha256))
        self._row = QWidget()
        row = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(appearance.theme.space("m"))
        name = text_label("SHA-256", is_muted=True)
        name.setWordWrap(False)
        name.setFixedWidth(NAME_WIDTH)
        row.addWidget(name)
        row.addWidget(self._digest, 1)
        row.addWidget(self._copy)
        for widget in (self._pairs, self._row, self._trust):
            self.column.addWidget(widget)

    def show_model(self, shown: Shown) -> None:
        """Say it."""
        card = shown.row.card
        self.setVisible(card is not None)
        if card is None:
            return
        info, came = card.info, card.provenance
        made = f"made from {came.made_from}" if came.made_from else ""
        origin = origin_words(came.origin, came.folder.name) or "Hearth's own folder"
        whose = {Origin.INCLUDED: "came with Hearth", Origin.FOLDER: str(came.folder)}.get(came.origin, origin)
        since = datetime.fromtimestamp(came.added_at).strftime("%d %B %Y").lstrip("0") if came.added_at else ""
        self._pairs.show_pairs(
            (
                ("Name", info.name),
                ("Id", info.id),
                ("Architecture", info.architecture),
                ("Format", format_words(info)),
                ("Parameters", count_words(info.parameters) if info.parameters else ""),
                ("Context", f"up to {info.context_tokens:,} tokens" if info.context_tokens else ""),
                ("Licence", licence_words(info.licence) if info.licence else "not stated in the file"),
                ("Came from", " · ".join(filter(None, (came.repo, made, whose)))),
                ("Address", came.url),
                ("Revision", came.revision[:_SHORT_DIGEST]),
                ("Here since", since),
            )
        )
        self._sha256 = card.sha256
        say(self._digest, card.sha256)
        self._row.setVisible(bool(card.sha256))
        say(self._trust, trust_words(card.gate))
        self._trust.setVisible(not shown.row.is_refused)  # said above, with what to do


class TemplateCard(ModelSection):
    """The first lines of its chat template, and which one that is; hidden where it has none."""

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Chat template", parent)
        self._text = QPlainTextEdit(self)
        self._text.setReadOnly(True)
        self._text.setProperty("code", True)
        self._text.setFont(appearance.theme.font("mono"))
        self._text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._text.setAccessibleName("First lines of the chat template")
        self._text.setTabChangesFocus(True)
        self._text.setFixedHeight(_TEMPLATE_LINES * appearance.theme.line("mono") + 30)
        self._about = text_label("", "small", is_muted=True)
        self.column.addWidget(self._text)
        self.column.addWidget(self._about)

    def show_model(self, shown: Shown) -> None:
        """Show a model's."""
        card, others = shown.row.card, shown.details.same_template
        self.setVisible(card is not None and bool(card.template))
        if card is None or not card.template:
            return
        lines = card.template[:_TEMPLATE_CHARS].splitlines()
        words = "\n".join(lines[: _TEMPLATE_LINES * 4])
        if self._text.toPlainText() != words:
            self._text.setPlainText(words)
        count = card.template.count("\n") + 1
        known = f"; {others} other {'model has' if others == 1 else 'models have'} the same" if others else ""
        length = f"{count:,} lines" if count > 1 else f"{len(card.template):,} characters in one line"
        say(self._about, f"SHA-256 {card.template_sha256[:_SHORT_DIGEST] or 'unknown'}, {length}{known}.")


class FilesCard(ModelSection):
    """All files that belong to a model, with their sizes.

    Signals:
        folder_wanted: show them in the system's own window.
    """

    folder_wanted = Signal()

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, "Files", parent)
        self.show_button = QPushButton("Show in folder", self)
        self.show_button.setProperty("small", True)
        self.show_button.clicked.connect(self.folder_wanted)
        self.head.addWidget(self.show_button)
        self._rows: list[tuple[QWidget, ElidedLabel, QLabel]] = []
        self._rest = text_label("", "small", is_muted=True)
        self._list = QVBoxLayout()
        self._list.setSpacing(appearance.theme.space("xs"))
        self._folder = ElidedLabel("", self)
        self._folder.setProperty("role", "small")
        self._folder.setProperty("muted", True)
        self.column.addLayout(self._list)
        self.column.addWidget(self._rest)
        self.column.addWidget(self._folder)

    def show_model(self, shown: Shown) -> None:
        """Show these; until they are known, the first one."""
        files = shown.details.files or ((shown.row.path, shown.row.size_bytes),)
        while len(self._rows) < min(len(files), _MOST_FILES):
            self._add()
        for at, (widget, name, size) in enumerate(self._rows):
            is_shown = at < len(files)
            widget.setVisible(is_shown)
            if is_shown:
                path, size_bytes = files[at]
                say(name, path.name)
                say(size, size_words(size_bytes) if size_bytes else "gone")
        rest = files[_MOST_FILES:]
        say(self._rest, f"and {len(rest)} more, {size_words(sum(size for _, size in rest))}" if rest else "")
        self._rest.setVisible(bool(rest))
        say(self._folder, str(files[0][0].parent) if files else "")

    def _add(self) -> None:
        widget = QWidget()
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        name, size = ElidedLabel(), QLabel()
        row.addWidget(name, 1)
        row.addWidget(size)
        self._list.addWidget(widget)
        self._rows.append((widget, name, size))
