"""DetailPane: one plugin: what it is, what it offers, what it may do, how it is, and what can be done with it."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.plugins.about_section import AboutSection
from app.plugins.actions import Action, actions_for, name_for, words_for
from app.plugins.reason_note import ReasonNote
from app.plugins.sections import (
    LimitsSection,
    NumbersSection,
    OffersSection,
    PermissionsSection,
    SettingsSection,
)
from app.plugins.state_line import StateLine
from app.plugins.wording import clean, line, name_of, whereabouts
from app.theme import Appearance
from app.theme.widgets import ColumnScroll, ElidedLabel, IconButton, SidePane
from app.theme.widgets.labels import say, text_label
from engine import PluginInfo

_FOOTER = (Action.ALLOW, Action.ENABLE, Action.DISABLE, Action.RELOAD, Action.REMOVE)
_PRIMARY = {Action.ALLOW, Action.ENABLE}


class DetailPane(SidePane):
    """A head, sections that scroll, and a fixed footer with the actions.

    Signals:
        acted: the `Action` that the person wants for the plugin that is shown.
    """

    acted = Signal(object)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(appearance, parent)
        self._info: PluginInfo | None = None
        self._title = ElidedLabel("", self)
        self._folder = IconButton(appearance, "folder", "Open the folder", parent=self)
        self.close_button = IconButton(appearance, "close", "Close the details", parent=self)
        self._close_with(self.close_button)
        self._about = ElidedLabel("", self)
        self.state = StateLine(appearance, self)
        self.note = ReasonNote(appearance, self)
        self._summary = text_label("")
        self._sections = (
            OffersSection(appearance),
            PermissionsSection(appearance),
            LimitsSection(appearance),
            NumbersSection(appearance),
            SettingsSection(appearance, self.acted.emit),
            AboutSection(appearance, self.acted.emit),
        )
        self._unbuilt = list(self._sections)  # the first plugin's sections are made one by one, between other events
        self._builder = QTimer(self)
        self._builder.timeout.connect(self._build_next)
        self._scroll = self._body()
        self.buttons = {action: self._button(action) for action in _FOOTER}
        self._lay_out()
        self._folder.clicked.connect(lambda: self.acted.emit(Action.FOLDER))
        self.note.copy_pressed.connect(lambda: self.acted.emit(Action.DETAILS))

    @property
    def shown_id(self) -> str:
        """Id of the plugin that is shown; empty for none."""
        return self._info.id if self._info is not None else ""

    @property
    def is_complete(self) -> bool:
        """Whether all that is to be said of the plugin is there; the first time it comes piece by piece."""
        return not self._unbuilt

    def show_info(self, info: PluginInfo, doing: str = "") -> None:
        """Show a plugin as it is now.

        Args:
            info: the plugin.
            doing: what is under way with it; its buttons wait meanwhile.
        """
        is_other = self._info is None or self._info.id != info.id
        was, self._info = self._info, info
        self.setAccessibleName(f"Details of {name_of(info)}")
        say(self._title, name_of(info))
        said = (f"Version {line(info.version)}" if info.version else "", whereabouts(info))
        say(self._about, " · ".join(filter(None, said)))
        self._folder.set_name(name_for(Action.FOLDER, info))
        self.state.show_state(info, doing)
        if is_other or was is None or (was.state, was.reason, was.details) != (info.state, info.reason, info.details):
            self.note.show_reason(info)
        say(self._summary, clean(info.summary))
        self._summary.setVisible(bool(info.summary))
        for section in self._sections:
            if section not in self._unbuilt:
                section.show_info(info)
        if self._unbuilt:
            self._builder.start(0)
        self._show_buttons(info, is_busy=bool(doing))
        if is_other:
            self._scroll.verticalScrollBar().setValue(0)

    def focus_first(self) -> None:
        """Give the keyboard to the most likely action."""
        for action in _FOOTER:
            if self.buttons[action].isVisible() and self.buttons[action].isEnabled():
                self.buttons[action].setFocus(Qt.FocusReason.ShortcutFocusReason)
                return
        self._folder.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _build_next(self) -> None:
        if self._unbuilt and self._info is not None:
            self._unbuilt.pop(0).show_info(self._info)
        if not self._unbuilt:
            self._builder.stop()

    def _show_buttons(self, info: PluginInfo, *, is_busy: bool) -> None:
        possible = actions_for(info)
        for action, button in self.buttons.items():
            button.setVisible(action in possible)
            button.setEnabled(not is_busy)
            button.setToolTip("Wait until the last step has ended." if is_busy else "")
            words = words_for(action, info)
            if button.text() != words:
                button.setText(words)
            button.setAccessibleName(name_for(action, info))

    def _button(self, action: Action) -> QPushButton:
        button = QPushButton(self)
        if action in _PRIMARY:
            button.setProperty("kind", "primary")
        elif action is Action.REMOVE:
            button.setProperty("kind", "danger")
        button.clicked.connect(lambda: self.acted.emit(action))
        return button

    def _lay_out(self) -> None:
        self._lay_out_head()
        self.whole.addWidget(self._scroll, 1)
        row = self._add_footer("s")
        for action, button in self.buttons.items():
            if action is Action.REMOVE:
                row.addStretch(1)
            row.addWidget(button)

    def _lay_out_head(self) -> None:
        theme = self._appearance.theme
        self._title.setProperty("role", "title")
        self._about.setProperty("muted", True)
        title = QHBoxLayout()
        title.setSpacing(theme.space("xs"))
        title.addWidget(self._title, 1)
        title.addWidget(self._folder)
        title.addWidget(self.close_button)
        column = self._add_head()
        column.addLayout(title)
        column.addWidget(self._about)
        column.addSpacing(theme.space("s"))
        column.addWidget(self.state)

    def _body(self) -> ColumnScroll:
        theme = self._appearance.theme
        body = QWidget()
        column = QVBoxLayout(body)
        edge = theme.space("l") + theme.space("xs")
        column.setContentsMargins(edge, 0, theme.space("s"), theme.space("l"))
        column.setSpacing(theme.space("s"))
        column.addWidget(self.note)
        column.addWidget(self._summary)
        rest = QVBoxLayout()
        rest.setSpacing(0)
        for section in self._sections:
            rest.addWidget(section)
        column.addLayout(rest)
        column.addStretch(1)
        return ColumnScroll("Details", body, self.width() - 1, self)
