"""DetailPane: everything about one model, and what can be done with it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.models.about_cards import FactsCard, FilesCard, LabelsCard, TemplateCard, UsesCard
from app.models.controller import ModelsController
from app.models.defaults_card import DefaultsCard
from app.models.detail_head import DetailHead
from app.models.details import Details, Shown
from app.models.fit_book import Judgement
from app.models.footer import DetailFooter
from app.models.installed_model import UNUSABLE
from app.models.quality_card import QualityCard
from app.models.quality_points import budget_of, points_of
from app.models.refused_note import RefusedNote
from app.models.rows import Row
from app.models.sections import ModelSection
from app.models.verdict_card import VerdictCard
from app.models.words import JUDGING, FitLook, is_text, look_of
from app.theme import Appearance
from app.theme.widgets import ColumnScroll, SidePane

_MORE: Final[tuple[Callable[[Appearance], ModelSection], ...]] = (
    UsesCard,
    DefaultsCard,
    LabelsCard,
    FactsCard,
    TemplateCard,
    FilesCard,
)


class DetailPane(SidePane):
    """A head, sections that scroll, and a fixed footer. The sections further down are made after the first ones.

    Attributes:
        head, footer: what does not scroll.
        verdict: whether it fits.
        quality: what smaller ones kept.
        sections: the others, as far as they have been made.

    Signals:
        folder_wanted: show its files in the system's own window.
    """

    folder_wanted = Signal()

    def __init__(self, appearance: Appearance, controller: ModelsController, parent: QWidget | None = None) -> None:
        super().__init__(appearance, parent)
        self._controller = controller
        self._row: Row | None = None
        self._details: Details | None = None
        self.head = DetailHead(appearance, self)
        self.footer = DetailFooter(appearance, self)
        self.refused = RefusedNote(appearance)
        self._notes = QWidget()
        self.verdict = VerdictCard(appearance)
        self.quality = QualityCard(appearance)
        self.sections: list[ModelSection] = []
        self._unbuilt = list(_MORE)
        self._builder = QTimer(self)
        self._builder.timeout.connect(self._build_next)
        self._column = QVBoxLayout()
        self._scroll = self._body()
        self.whole.addWidget(self.head)
        self.whole.addWidget(self._scroll, 1)
        self.whole.addWidget(self.footer)
        self._connect()

    @property
    def shown_id(self) -> str:
        """Id of the row that is shown; empty for none."""
        return self._row.id if self._row is not None else ""

    @property
    def is_complete(self) -> bool:
        """Whether all sections are there; the first time they come one by one."""
        return not self._unbuilt

    @property
    def is_settled(self) -> bool:
        """Whether what is slow to know of the model is there as well."""
        return self.is_complete and self._details is not None

    def show_row(self, row: Row) -> None:
        """Show a model as it is now."""
        is_other = self._row is None or self._row.id != row.id
        was, self._row = self._row, row
        self.setAccessibleName(f"Details of {row.title}")
        if is_other:
            self._details = None
            self._scroll.verticalScrollBar().setValue(0)
        if is_other or was != row:
            self._controller.ask_details(row)
        self.refused.show_row(row)
        self._notes.setVisible(row.is_refused)
        self._show_sections(row)
        self.show_state()
        if self._unbuilt:
            self._builder.start(0)

    def show_state(self) -> None:
        """Show what may have changed meanwhile: the verdict, and whether it is loaded."""
        row = self._row
        if row is None:
            return
        controller = self._controller
        found, state = controller.judgement(row), controller.state(row)
        verdict = found.verdict if found is not None else None
        self.head.show_row(row, _look(row, found), state, controller.device(row))
        self.footer.show_row(row, verdict, state, is_busy=controller.actions.is_busy(row.id))
        self.verdict.setVisible(row.card is not None and not row.is_refused)
        self.verdict.show_judgement(found)
        self._show_quality(row)

    def show_details(self, details: Details) -> None:
        """Show what took a look at the disk."""
        if self._row is not None and details.model == self._row.id:
            self._details = details
            self._show_quality(self._row)
            self._show_sections(self._row)

    def focus_first(self) -> None:
        """Give the keyboard to the main action, or to the menu where that is not possible."""
        target: QWidget = self.footer.load if self.footer.load.isEnabled() else self.head.more
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    # --------------------------------------------------------------------------------------------------------- private

    def _show_quality(self, row: Row) -> None:
        details, card = self._details, row.card
        if card is None or details is None or not details.reports:
            self.quality.show_points((), None, is_text=True)
            return
        found = self._controller.judgement(row)
        budget = budget_of(found.verdict if found is not None else None, row.size_bytes)
        points = points_of(details.reports, budget, row.size_bytes)
        self.quality.show_points(points, budget, is_text=is_text(card.info.accepts))

    def _show_sections(self, row: Row) -> None:
        controller = self._controller
        details = self._details if self._details is not None else Details(row.id)
        shown = Shown(row, details, tuple(controller.uses(row.id)), controller.devices)
        for section in self.sections:
            section.show_model(shown)

    def _build_next(self) -> None:
        """Make one more section, between other events: all at once would hold up the first click."""
        if self._unbuilt:
            section = self._unbuilt.pop(0)(self._appearance)
            self.sections.append(section)
            self._column.insertWidget(self._column.count() - 1, section)
            self._connect_section(section)
            if self._row is not None:
                self._show_sections(self._row)
        if not self._unbuilt:
            self._builder.stop()

    def _connect_section(self, section: ModelSection) -> None:
        actions = self._controller.actions
        if isinstance(section, DefaultsCard):
            section.changed.connect(lambda defaults: actions.set_defaults(self.shown_id, defaults))
        elif isinstance(section, LabelsCard):
            section.tagged.connect(lambda tags: self._with_row(lambda row: actions.describe(row, tags=tags)))
            section.favoured.connect(lambda is_one: actions.favour(self.shown_id, is_one))
        elif isinstance(section, FilesCard):
            section.folder_wanted.connect(self.folder_wanted)

    def _connect(self) -> None:
        actions, footer = self._controller.actions, self.footer
        self._close_with(self.head.close_button)
        self.head.renamed.connect(lambda title: self._with_row(lambda row: actions.describe(row, title=title)))
        self.head.pin.clicked.connect(lambda is_on: self._with_row(lambda row: actions.pin(row, is_on)))
        footer.load_pressed.connect(lambda: self._with_row(actions.load))
        footer.cancel_pressed.connect(lambda: actions.cancel_load(self.shown_id))
        footer.unload_pressed.connect(lambda: actions.unload(self.shown_id))
        self.refused.again_pressed.connect(lambda: actions.check(self.shown_id, is_whole=False))
        self.refused.folder_pressed.connect(self.folder_wanted)
        self.verdict.context_wanted.connect(self._use_context)

    def _with_row(self, act: Callable[[Row], None]) -> None:
        if self._row is not None:
            act(self._row)

    def _use_context(self, tokens: int) -> None:
        card = self._row.card if self._row is not None else None
        if card is not None:
            defaults = replace(card.defaults, context_tokens=tokens)
            self._controller.actions.set_defaults(card.info.id, defaults)

    def _body(self) -> ColumnScroll:
        theme = self._appearance.theme
        body = QWidget()
        column = self._column
        body.setLayout(column)
        column.setContentsMargins(theme.space("l") + theme.space("xs"), 0, theme.space("s"), theme.space("l"))
        column.setSpacing(0)
        notes = QVBoxLayout()
        notes.setContentsMargins(0, 0, 0, theme.space("m"))
        notes.addWidget(self.refused)
        self._notes.setLayout(notes)
        column.addWidget(self._notes)
        column.addWidget(self.verdict)
        column.addWidget(self.quality)
        column.addStretch(1)
        return ColumnScroll("Details", body, self.width() - 1, self)


def _look(row: Row, found: Judgement | None) -> FitLook:
    if row.is_refused:
        return UNUSABLE
    return look_of(found.verdict) if found is not None and found.verdict is not None else JUDGING
