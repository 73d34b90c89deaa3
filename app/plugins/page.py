"""PluginsPage: the list, the details, and the questions that are asked before something changes."""

from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, Qt, QTimer, QUrl
from PySide6.QtGui import (
    QAction,
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QGuiApplication,
    QResizeEvent,
)
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from app.plugins.actions import Action, actions_for, words_for
from app.plugins.consent_dialog import ConsentDialog
from app.plugins.controller import PluginsController
from app.plugins.dialogs import ask_to_remove
from app.plugins.drop_overlay import DropOverlay
from app.plugins.page_layout import PageLayout
from app.plugins.settings_dialog import SettingsDialog
from app.plugins.wording import details_of, name_of, web_address
from app.theme import Appearance
from engine import PluginInfo, PluginState

_RUNS = {Action.ALLOW, Action.ENABLE, Action.RELOAD}
_SAFE = ("Hearth was started in safe mode, in which only its own plugins run.", "Start Hearth without --safe first.")


class PluginsPage(QWidget):
    """Shows what the controller knows, and asks before it passes on what cannot be undone.

    Attributes:
        parts: the widgets of the page.

    Thread: UI only.
    """

    def __init__(self, appearance: Appearance, controller: PluginsController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAcceptDrops(True)
        self._appearance = appearance
        self._controller = controller
        self._to_ask: list[str] = []  # ids of plugins whose consent dialog waits for the one that is open
        self._consent: ConsentDialog | None = None
        self._error_details = ""
        self.parts = PageLayout(appearance, self)
        self._overlay = DropOverlay(appearance, self)
        self._connect()
        self._show()

    def focus_first(self) -> None:
        """Give the keyboard to the list, or to what helps while it is empty."""
        view = self.parts.table.view
        target = view if view.isVisible() else self.parts.search
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def choose_file(self, *, is_folder: bool) -> None:
        """Open the dialog for a zip or a folder; it does not block."""
        dialog = QFileDialog(self, "Install a plugin")
        if is_folder:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
            dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
            dialog.setNameFilters(["Plugins (*.zip)", "All files (*)"])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(self._on_files_selected)
        dialog.open()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the details lie over the page when there is no room beside it."""
        super().resizeEvent(event)
        self.parts.fit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept folders and zips, and say what dropping them does."""
        paths = _plugins_in(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self._overlay.show_drag(len(paths))

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """Back to rest."""
        self._overlay.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """Install what was dropped."""
        self._overlay.hide()
        paths = _plugins_in(event.mimeData())
        if paths:
            event.acceptProposedAction()
            self._controller.install(paths)

    # ------------------------------------------------------------------------------------------------------ showing

    def _connect(self) -> None:
        parts, controller = self.parts, self._controller
        controller.changed.connect(self._show)
        controller.failed.connect(self._on_failed)
        controller.consent_wanted.connect(self._ask_for_consent)
        parts.search.textChanged.connect(self._show)
        parts.table.chosen.connect(self._on_chosen)
        parts.table.view.open_pressed.connect(self._on_open_pressed)
        parts.table.view.clicked.connect(self._on_clicked)
        parts.table.view.remove_pressed.connect(lambda: self._act(Action.REMOVE))
        parts.table.view.customContextMenuRequested.connect(self._on_menu)
        parts.pane.acted.connect(self._act)
        parts.zip_action.triggered.connect(lambda: self.choose_file(is_folder=False))
        parts.folder_action.triggered.connect(lambda: self.choose_file(is_folder=True))
        parts.empty.install_pressed.connect(lambda: self.choose_file(is_folder=False))
        parts.empty.copy_requested.connect(_copy)
        parts.banner.pressed.connect(lambda: _copy(self._error_details))

    def _show(self) -> None:
        controller, parts = self._controller, self.parts
        parts.table.model.show_plugins(controller.plugins, parts.search.text(), controller.doing)
        parts.show_counts(controller.plugins, controller.installing)
        info = controller.find(parts.table.chosen_id)
        if info is not None:
            parts.pane.show_info(info, controller.doing(info.id))
        elif parts.is_wide and not parts.search.text():
            if parts.pane.is_complete:
                parts.table.choose_first()
            else:
                QTimer.singleShot(0, self, parts.table.choose_first)  # the first time: after the list has been shown

    def _on_chosen(self, plugin: str) -> None:
        info = self._controller.find(plugin)
        if info is not None:
            self.parts.pane.show_info(info, self._controller.doing(plugin))
        self.parts.set_has_details(info is not None)

    def _on_clicked(self) -> None:
        self.parts.open_details()

    def _on_open_pressed(self) -> None:
        self.parts.open_details()
        self.parts.pane.focus_first()

    def _on_menu(self, where: QPoint) -> None:
        view = self.parts.table.view
        info = self._controller.find(self.parts.table.chosen_id)
        if info is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        is_busy = bool(self._controller.doing(info.id))
        for action in actions_for(info):
            entry = QAction(words_for(action, info), menu)
            entry.setEnabled(not is_busy)
            entry.triggered.connect(lambda _checked=False, action=action: self._act(action))
            menu.addAction(entry)
        menu.addSeparator()
        for action in (Action.FOLDER, Action.DETAILS):
            entry = QAction(words_for(action, info), menu)
            entry.triggered.connect(lambda _checked=False, action=action: self._act(action))
            menu.addAction(entry)
        menu.popup(view.viewport().mapToGlobal(where))

    def _on_failed(self, cause: str, remedy: str, details: str) -> None:
        self._error_details = f"{cause} {remedy}\n\n{details}"
        self.parts.banner.show_message("bad", cause, remedy, "Copy details" if details else "")

    def _on_files_selected(self, names: list[str]) -> None:
        self._controller.install([Path(name) for name in names])

    # ------------------------------------------------------------------------------------------------------- acting

    def _act(self, action: Action) -> None:
        info = self._controller.find(self.parts.table.chosen_id)
        if info is None or self._controller.doing(info.id):
            return
        controller = self._controller
        if action in actions_for(info):
            self.parts.banner.clear()
        if action in _RUNS and controller.is_safe and not info.is_bundled:
            self.parts.banner.show_message("info", *_SAFE)
            return
        actions = {
            Action.ALLOW: lambda: self._ask_for_consent(info.id),
            Action.ENABLE: lambda: controller.enable(info.id),
            Action.DISABLE: lambda: controller.disable(info.id),
            Action.RELOAD: lambda: controller.reload(info.id),
            Action.SETTINGS: lambda: self._open_settings(info),
            Action.REMOVE: lambda: self._ask_to_remove(info),
            Action.FOLDER: lambda: open_url(QUrl.fromLocalFile(str(info.folder))),
            Action.DETAILS: lambda: _copy(details_of(info)),
            Action.DIGEST: lambda: _copy(info.digest),
            Action.HOMEPAGE: lambda: _open_homepage(info),
        }
        actions[action]()

    def _ask_for_consent(self, plugin: str) -> None:
        """Open the consent dialog; one at a time, in the order in which they were wanted."""
        if self._consent is not None:
            if plugin not in (*self._to_ask, self._consent.plugin):
                self._to_ask.append(plugin)
            return
        info = self._controller.find(plugin)
        if info is None or info.state is not PluginState.NEEDS_CONSENT:  # decided about elsewhere meanwhile
            self._ask_for_next()
            return
        self.parts.table.choose(plugin)
        dialog = ConsentDialog(self._appearance, info, self)
        dialog.copy_requested.connect(_copy)
        dialog.finished.connect(self._on_consent)
        self._consent = dialog
        dialog.open()

    def _on_consent(self, is_allowed: int) -> None:
        dialog, self._consent = self._consent, None
        if dialog is not None and is_allowed:
            self._controller.enable(dialog.plugin, dialog.digest)
        self._ask_for_next()

    def _ask_for_next(self) -> None:
        if self._to_ask:
            self._ask_for_consent(self._to_ask.pop(0))

    def _open_settings(self, info: PluginInfo) -> None:
        dialog = SettingsDialog(self._appearance, info, self._controller.models(), self)
        dialog.accepted.connect(lambda: self._controller.set_settings(dialog.plugin, dialog.values))
        dialog.open()

    def _ask_to_remove(self, info: PluginInfo) -> None:
        if Action.REMOVE not in actions_for(info):
            return
        dialog = ask_to_remove(self._appearance, name_of(info), str(info.folder), self)
        dialog.accepted.connect(lambda: self._controller.remove(info.id))
        dialog.open()


def open_url(url: QUrl) -> None:
    """Hand an address to the system; the only place where the page leaves Hearth."""
    QDesktopServices.openUrl(url)


def _open_homepage(info: PluginInfo) -> None:
    address = web_address(info.homepage)
    if address:
        open_url(QUrl(address))


def _copy(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def _plugins_in(data: QMimeData) -> list[Path]:
    paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
    return [path for path in paths if path.suffix.lower() == ".zip" or path.is_dir()]
