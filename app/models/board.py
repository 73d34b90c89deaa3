"""ModelsBoard: the content of the Models page, and the questions that are asked before something changes."""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QDialog, QWidget

from app.models.controllers import ModelsControllers
from app.models.detail_pane import DetailPane
from app.models.details import Details
from app.models.dialogs import ask_to_remove
from app.models.folders_dialog import FoldersDialog
from app.models.import_drop import ImportDrop
from app.models.installed_pane import InstalledPane
from app.models.jobs_tray import JobsTray
from app.models.page_layout import DISCOVER, INSTALLED, PageLayout
from app.models.row_menu import Action, menu_for, refusal_of
from app.models.rows import Row
from app.models.words import CHAT, VISION
from app.theme import Appearance
from app.theme.widgets import ChoiceDialog

if TYPE_CHECKING:
    from app.models.discover_view import DiscoverView

log = logging.getLogger(__name__)

_STARTER = "starter"


class ModelsBoard(QWidget):
    """Follows the controllers, and passes on what the person wants.

    Attributes:
        installed: the list.
        pane: details of the chosen model.
        parts: how all of it is laid out.
        tray: work in the background.
        drop: takes files from elsewhere.
        discover: what could be fetched; None before it was opened.

    Signals:
        chat_wanted: id of a model to chat with.
        recognize_wanted: id of a model to look at pictures with.

    Thread: UI only.
    """

    chat_wanted = Signal(str)
    recognize_wanted = Signal(str)

    def __init__(self, appearance: Appearance, controllers: ModelsControllers, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._controllers = controllers
        self._controller = controllers.installed
        self.discover: DiscoverView | None = None
        self.installed = InstalledPane(appearance, self._controller, self)
        self.pane = DetailPane(appearance, self._controller, self)
        self.parts = PageLayout(appearance, self, self.installed, self.pane)
        self.tray = JobsTray(appearance, controllers.jobs, self)
        self.parts.tray_room.addWidget(self.tray)
        self.drop = ImportDrop(appearance, self, controllers.imports, self.installed.banner)
        self._connect()
        self._on_rows_shown()

    @property
    def chosen(self) -> Row | None:
        """The row that is looked at."""
        return self._controller.find(self.installed.table.chosen_id)

    def focus_first(self) -> None:
        """Give the keyboard to the list, or to what helps while it is empty."""
        if self.discover is not None and self.parts.stack.currentWidget() is self.discover:
            self.discover.focus_first()
            return
        view = self.installed.table.view
        target: QWidget = view if not view.isHidden() else self.installed.bar.search
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_view(self, name: str) -> None:
        """Show `Installed` or `Discover`; the latter is made when it is opened for the first time."""
        self.parts.views.choose(name)
        if name == DISCOVER and self.discover is None:
            from app.models.discover_view import DiscoverView

            self.discover = DiscoverView(self._appearance, self._controllers.discover, self)
            self.discover.open_wanted.connect(self.show_path)
            self._controllers.jobs.failed.connect(self.discover.report)
            self.parts.stack.addWidget(self.discover)
        if self.discover is not None:
            is_list = name == INSTALLED
            self.parts.stack.setCurrentWidget(self.installed if is_list else self.discover)
            for room in (self.parts.tray_room, self.discover.foot):
                room.removeWidget(self.tray)
            (self.parts.tray_room if is_list else self.discover.foot).addWidget(self.tray)
            self.drop.banner = self.installed.banner if is_list else self.discover.banner
        self.parts.fit()

    def show_model(self, model: str) -> None:
        """Show a model of the list with its details."""
        self.show_view(INSTALLED)
        self.installed.table.choose(model)
        self.parts.open_details()

    def show_path(self, path: str) -> None:
        """Show the model whose file this is."""
        row = next((row for row in self._controller.rows if path in (row.id, str(row.path))), None)
        if row is not None:
            self.show_model(row.id)
        else:
            self.show_view(INSTALLED)

    def act(self, action: Action, row: Row | None = None) -> None:
        """Do something with a row, if that is possible now.

        Args:
            action: what.
            row: None takes the chosen one.
        """
        row = row if row is not None else self.chosen
        if row is None:
            return
        state, actions = self._controller.state(row), self._controller.actions
        refusal = refusal_of(action, row, state, is_busy=actions.is_busy(row.id))
        if refusal:
            self.installed.banner.show_message("info", refusal)
        if refusal != "":
            return
        self.installed.banner.clear()
        self._moves(row)[action]()

    def manage_folders(self) -> FoldersDialog:
        """Open the list of folders; it does not block."""
        used = self._controllers.engine.config.used_in_place
        dialog = FoldersDialog(self._appearance, self._controller.folders, used, self)
        dialog.accepted.connect(lambda: self._keep(dialog.settings))
        dialog.open()
        return dialog

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the details lie over the page when there is no room beside it."""
        super().resizeEvent(event)
        self.parts.fit()

    # ------------------------------------------------------------------------------------------------------ connecting

    def _connect(self) -> None:
        controller, installed, table, parts = self._controller, self.installed, self.installed.table, self.parts
        controller.failed.connect(self._report)
        controller.details_found.connect(self._on_details)
        controller.states_changed.connect(self.pane.show_state)
        controller.judged.connect(self.pane.show_state)
        controller.actions.changed.connect(self._on_doing)
        controller.actions.removed.connect(self._on_removed)
        installed.rows_shown.connect(self._on_rows_shown)
        installed.manage.clicked.connect(self.manage_folders)
        installed.empty.get_pressed.connect(self._get)
        installed.empty.browse_pressed.connect(lambda: self.show_view(DISCOVER))
        installed.empty.chat_pressed.connect(lambda: self.chat_wanted.emit(_STARTER))
        table.chosen.connect(self._on_chosen)
        table.view.clicked.connect(lambda _index: parts.open_details())
        table.view.open_pressed.connect(self._on_open_pressed)
        table.view.remove_pressed.connect(lambda: self.act(Action.REMOVE))
        table.menu_wanted.connect(self._open_menu)
        parts.views.picked.connect(self.show_view)
        parts.get_button.clicked.connect(self._on_get)
        parts.import_button.clicked.connect(self.drop.choose_files)
        self.tray.open_wanted.connect(self.show_path)
        self.tray.token_wanted.connect(self._ask_for_token)
        self._controllers.jobs.failed.connect(self._report)
        self._controllers.quantize.failed.connect(self._report)
        pane = self.pane
        pane.folder_wanted.connect(lambda: self.act(Action.FOLDER))
        pane.footer.quantize.clicked.connect(lambda: self.act(Action.QUANTIZE))
        pane.footer.remove.clicked.connect(lambda: self.act(Action.REMOVE))
        pane.head.more.clicked.connect(self._open_menu_below)

    def _on_rows_shown(self) -> None:
        row = self.chosen
        if row is not None:
            self.pane.show_row(row)
        elif self.parts.is_wide and not self.installed.bar.chosen.words:
            QTimer.singleShot(0, self, self.installed.table.choose_first)  # after the list has been shown
        self.parts.set_has_details(row is not None)

    def _on_chosen(self, model: str) -> None:
        row = self._controller.find(model)
        if row is not None:
            self.pane.show_row(row)
        self.parts.set_has_details(row is not None)

    def _on_details(self, details: Details) -> None:
        self.pane.show_details(details)

    def _on_doing(self) -> None:
        self.installed.table.repaint_rows()
        self.pane.show_state()

    def _on_open_pressed(self) -> None:
        self.parts.open_details()
        self.pane.focus_first()

    def _report(self, cause: str, remedy: str) -> None:
        """Say what did not work where the person looks."""
        shown = self.parts.stack.currentWidget()
        banner = self.discover.banner if self.discover is not None and shown is self.discover else self.installed.banner
        banner.show_message("bad", cause, remedy)

    def _ask_for_token(self) -> None:
        self.show_view(DISCOVER)
        if self.discover is not None:
            self.discover.ask_for_token()

    def _on_get(self) -> None:
        self.show_view(DISCOVER)
        self.focus_first()

    def _on_removed(self, title: str) -> None:
        self.installed.banner.show_message("info", f"{title} is in the trash.", "It can be taken back from there.")

    def _open_menu(self, where: QPoint) -> None:
        row = self.chosen
        if row is not None:
            is_busy = self._controller.actions.is_busy(row.id)
            menu = menu_for(row, self._controller.state(row), self.act, self, is_busy=is_busy)
            menu.popup(where)

    def _open_menu_below(self) -> None:
        more = self.pane.head.more
        self._open_menu(more.mapToGlobal(more.rect().bottomLeft()))

    # ---------------------------------------------------------------------------------------------------------- acting

    def _moves(self, row: Row) -> Mapping[Action, Callable[[], object]]:
        actions, model = self._controller.actions, row.id
        is_pinned = self._controller.state(row).is_pinned or (row.card is not None and row.card.defaults.is_pinned)
        return {
            Action.OPEN: lambda: self._open(row),
            Action.LOAD: lambda: actions.load(row),
            Action.CANCEL: lambda: actions.cancel_load(model),
            Action.UNLOAD: lambda: actions.unload(model),
            Action.PIN: lambda: actions.pin(row, not is_pinned),
            Action.FAVOUR: lambda: actions.favour(model, not row.is_favourite),
            Action.RENAME: self._rename,
            Action.COMPARE: lambda: self._compare(row),
            Action.QUANTIZE: lambda: self._quantize(row),
            Action.TRY: lambda: actions.check(model, is_whole=False),
            Action.VERIFY: lambda: actions.check(model, is_whole=True),
            Action.FOLDER: lambda: open_url(QUrl.fromLocalFile(str(row.path.parent))),
            Action.COPY: lambda: QGuiApplication.clipboard().setText(str(row.path)),
            Action.REMOVE: lambda: self._remove(row),
        }

    def _open(self, row: Row) -> None:
        if row.kind == CHAT:
            self.chat_wanted.emit(row.id)
        elif row.kind == VISION:
            self.recognize_wanted.emit(row.id)

    def _rename(self) -> None:
        self.parts.open_details()
        self.pane.head.rename()

    def _remove(self, row: Row) -> ChoiceDialog:
        state = self._controller.state(row)
        dialog = ask_to_remove(self._appearance, row, state.is_loaded, self)
        dialog.accepted.connect(lambda: self._controller.actions.remove(row))
        dialog.open()
        return dialog

    def _get(self, repo: str) -> None:
        """Show a recommended model in Discover, as soon as that knows it."""
        self.show_view(DISCOVER)
        self.focus_first()
        discover = self._controllers.discover

        def choose() -> None:
            if discover.is_loaded and self.discover is not None:
                discover.changed.disconnect(choose)
                self.discover.list.choose(repo)

        discover.changed.connect(choose)
        choose()

    def _quantize(self, row: Row) -> None:
        if row.card is not None:
            from app.models.quantize_dialog import QuantizeDialog

            self._show(QuantizeDialog(self._appearance, self._controllers.quantize, row.card, self))

    def _compare(self, row: Row) -> None:
        if row.card is not None:
            from app.models.compare_dialog import CompareDialog

            cards = [other.card for other in self._controller.rows if other.card is not None and not other.is_refused]
            engine, tasks = self._controllers.engine, self._controllers.tasks
            self._show(CompareDialog(self._appearance, engine, tasks, cards, row.id, self))

    @staticmethod
    def _show(dialog: QDialog) -> None:
        dialog.open()

    def _keep(self, settings: Mapping[str, tuple[str, ...]]) -> None:
        try:
            self._controllers.keep(settings)
        except (OSError, ValueError) as error:
            log.warning("The folders are not kept: %s", error)
            self.installed.banner.show_message("warn", f"The settings cannot be written: {error}.", "Nothing changed.")
            return
        self.installed.banner.show_message(
            "info", "The folders are kept.", "They are searched from the next start of Hearth on."
        )


def open_url(url: QUrl) -> None:
    """Hand an address to the system; the only place where the page leaves Hearth."""
    QDesktopServices.openUrl(url)
