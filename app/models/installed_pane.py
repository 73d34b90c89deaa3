"""InstalledPane: left of the details: search, the table, where models are, and what to do while there are none."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.models.controller import ModelsController
from app.models.empty_card import EmptyCard
from app.models.filter_bar import FilterBar
from app.models.installed_model import InstalledModel
from app.models.installed_table import InstalledTable
from app.models.rows import shown
from app.models.words import FOREIGN, counted, list_words, origin_words, size_words
from app.theme import Appearance
from app.theme.widgets import Banner, ElidedLabel
from app.theme.widgets.labels import IconLabel, say
from engine import LibraryFolder, Origin


class InstalledPane(QWidget):
    """Follows the controller.

    Attributes:
        banner: what did not work.
        bar: search and filters.
        table: the models.
        empty: what to do while there are none of one's own.
        manage: opens the list of folders.

    Signals:
        rows_shown: the table shows what there is now.
    """

    rows_shown = Signal()

    def __init__(self, appearance: Appearance, controller: ModelsController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._controller = controller
        self._was_asked = False
        self.banner = Banner(appearance, self)
        self.bar = FilterBar(appearance, self)
        model = InstalledModel(controller.judgement, controller.state, controller.device, self)
        self.table = InstalledTable(appearance, model, self)
        self.empty = EmptyCard(appearance, self)
        self.manage = QPushButton("Manage folders", self)
        self._where = ElidedLabel("", self, Qt.TextElideMode.ElideRight)
        self._lay_out()
        controller.changed.connect(self.show_now)
        controller.states_changed.connect(self.table.repaint_rows)
        controller.judged.connect(self.table.repaint_rows)
        controller.recommended_found.connect(self.empty.show_model)
        self.bar.changed.connect(self.show_now)
        self.show_now()

    @property
    def where(self) -> str:
        """What is said of the folders."""
        return self._where.text()

    def show_now(self) -> None:
        """Show what the controller knows."""
        controller, chosen = self._controller, self.bar.chosen
        rows = controller.rows
        self.bar.show_counts(rows)
        nothing = "Reading the library…" if not controller.is_known else "No model matches this search."
        self.table.show_rows(shown(rows, chosen), nothing)
        say(self._where, folder_words(controller.folders))
        is_alone = controller.is_known and all(row.origin is Origin.INCLUDED for row in rows)
        self.empty.setVisible(is_alone and not chosen.words)
        if is_alone and not self._was_asked:
            self._was_asked = True
            controller.ask_recommended()
        self.rows_shown.emit()

    def leave_room(self, right: int) -> None:
        """Keep the distance to what stands at the right."""
        theme = self._appearance.theme
        self._column.setContentsMargins(theme.space("xl"), theme.space("l"), right, theme.space("l"))

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self._where.setProperty("role", "small")
        self._where.setProperty("muted", True)
        self.manage.setProperty("link", True)
        self.manage.setProperty("small", True)
        self.manage.setCursor(Qt.CursorShape.PointingHandCursor)
        self.manage.setAccessibleName("Manage the folders in which models are searched")
        folders = QWidget(self)
        folders.setProperty("region", True)
        line = QHBoxLayout(folders)
        line.setContentsMargins(theme.space("xs"), 0, theme.space("xs"), 0)
        line.setSpacing(theme.space("s"))
        line.addWidget(IconLabel(self._appearance, "folder", "text-muted"))
        line.addWidget(self._where, 1)
        line.addWidget(self.manage)
        self._column = QVBoxLayout(self)
        self._column.setSpacing(theme.space("l"))
        self._column.addWidget(self.banner)
        self._column.addWidget(self.bar)
        table = QVBoxLayout()
        table.setSpacing(10)
        table.addWidget(self.table, 1000)  # as high as its rows, and no higher
        table.addWidget(folders)
        table.addSpacing(theme.space("s"))
        table.addWidget(self.empty)
        table.addStretch(1)
        self._column.addLayout(table, 1000)
        self.leave_room(theme.space("xl"))


def folder_words(folders: Sequence[LibraryFolder]) -> str:
    """`3 folders · 35.3 GB · 2 used in place from LM Studio`."""
    used = [folder for folder in folders if folder.is_used]
    if not used:
        return ""
    said = [counted(len(used), "folder"), size_words(sum(folder.size_bytes for folder in used))]
    foreign = [folder for folder in used if folder.origin in FOREIGN and folder.models]
    if foreign:
        names = list_words(list(dict.fromkeys(origin_words(folder.origin) for folder in foreign)))
        said.append(f"{sum(folder.models for folder in foreign):,} used in place from {names}")
    broken = sum(len(folder.broken) for folder in used)
    if broken:
        said.append(f"{counted(broken, 'file')} cannot be used")
    return " · ".join(said)
