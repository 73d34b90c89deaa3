"""AnswersCard and PromptsCard: what is kept so that it need not be computed again, and how much that may be."""

from dataclasses import replace
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from app.preferences.card import FigureRow, delete_button
from app.preferences.controller import Look, PreferencesController
from app.preferences.limit_row import DISK, SMALL_MEMORY, LimitRow
from app.preferences.words import answer_figures, prompt_figures
from app.theme import Appearance
from app.theme.widgets import Banner, Card, quiet

_WHAT_ANSWERS: Final = (
    "An equal question is answered in milliseconds, if its answer would come out the same again: that of a greedy or "
    "seeded request, of a picture, of an embedding."
)
_WHAT_PROMPTS: Final = (
    "A long document or an instruction that begins several questions is read once; what the model made of it is put "
    "back instead of reading it again."
)
_UNTIL_MENDED: Final = "Answers are kept in memory only until that is mended."


class AnswersCard(Card):
    """The cache of answers, in memory and on disk.

    Attributes:
        figures: what it is worth.
        memory, disk: what it takes, and may take.
        trouble: why the disk is not used.
        delete: asks for everything to be deleted.

    Signals:
        delete_pressed: the person wants to delete what is kept.
    """

    delete_pressed = Signal()

    def __init__(
        self, appearance: Appearance, controller: PreferencesController, parent: QWidget | None = None
    ) -> None:
        super().__init__(appearance, "cached", "Answers that are kept", parent)
        self._controller = controller
        self._trouble = ""
        self.figures = FigureRow(appearance, 3, self)
        self.memory = LimitRow(appearance, "In memory", "kept answers", SMALL_MEMORY, self)
        self.disk = LimitRow(appearance, "On disk", "kept answers", DISK, self)
        self.trouble = Banner(appearance, self)
        self.delete = delete_button("Delete kept answers", self)
        self.head.addWidget(self.delete)
        self.column.addWidget(quiet(_WHAT_ANSWERS))
        self.column.addWidget(self.trouble)
        self.column.addWidget(self.figures)
        self.column.addWidget(self.memory)
        self.column.addWidget(self.disk)
        self.delete.clicked.connect(self.delete_pressed)
        self.memory.picked.connect(self._on_memory)
        self.disk.picked.connect(self._on_disk)

    def show_look(self, look: Look) -> None:
        """Show the cache as it is now, and the limits that are wanted."""
        limits, cache = self._controller.limits or look.limits, look.cache
        self.figures.show_figures(answer_figures(cache))
        self.memory.show_use(cache.memory.size_bytes, limits.cache_memory_bytes)
        self.disk.show_use(cache.disk.size_bytes, limits.cache_disk_bytes)
        show_deleting(
            self.delete, self._controller.is_clearing, has_any=bool(cache.memory.entries or cache.disk.entries)
        )
        if cache.trouble != self._trouble:
            self._trouble = cache.trouble
            if cache.trouble:
                self.trouble.show_message("warn", cache.trouble, _UNTIL_MENDED)
            else:
                self.trouble.clear()

    def _on_memory(self, size_bytes: int) -> None:
        if (limits := self._controller.limits) is not None:
            self._controller.set_limits(replace(limits, cache_memory_bytes=size_bytes))

    def _on_disk(self, size_bytes: int) -> None:
        if (limits := self._controller.limits) is not None:
            self._controller.set_limits(replace(limits, cache_disk_bytes=size_bytes))


class PromptsCard(Card):
    """The cache of prompts on disk.

    Attributes:
        figures: what it is worth.
        disk: what it takes, and may take.
        delete: asks for everything to be deleted.

    Signals:
        delete_pressed: the person wants to delete what is kept.
    """

    delete_pressed = Signal()

    def __init__(
        self, appearance: Appearance, controller: PreferencesController, parent: QWidget | None = None
    ) -> None:
        super().__init__(appearance, "text", "Prompts that were read", parent)
        self._controller = controller
        self.figures = FigureRow(appearance, 2, self)
        self.disk = LimitRow(appearance, "On disk", "prompts that were read", DISK, self)
        self.delete = delete_button("Delete what was read of prompts", self)
        self.head.addWidget(self.delete)
        self.column.addWidget(quiet(_WHAT_PROMPTS))
        self.column.addWidget(self.figures)
        self.column.addWidget(self.disk)
        self.delete.clicked.connect(self.delete_pressed)
        self.disk.picked.connect(self._on_disk)

    def show_look(self, look: Look) -> None:
        """Show the cache as it is now, and the limit that is wanted."""
        limits, prefixes = self._controller.limits or look.limits, look.cache.prefixes
        self.figures.show_figures(prompt_figures(look.cache))
        self.disk.show_use(prefixes.size_bytes, limits.prefix_disk_bytes)
        show_deleting(self.delete, self._controller.is_clearing, has_any=bool(prefixes.entries))

    def _on_disk(self, size_bytes: int) -> None:
        if (limits := self._controller.limits) is not None:
            self._controller.set_limits(replace(limits, prefix_disk_bytes=size_bytes))


def show_deleting(button: QPushButton, is_clearing: bool, *, has_any: bool) -> None:
    """Offer to delete only what there is."""
    button.setEnabled(has_any and not is_clearing)
    button.setToolTip("It is being deleted." if is_clearing else "" if has_any else "Nothing is kept yet.")
