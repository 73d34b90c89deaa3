"""ToolsButton: which tools the model may call, each switched by itself."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from app.chat.composer.picker_button import Option, PickerButton
from app.theme import Appearance


class ToolsButton(PickerButton):
    """Says how many tools are on; its menu switches them.

    Signals:
        switched: names of the tools that are on now, a frozenset.

    Thread: UI only.
    """

    switched = Signal(object)

    def __init__(self, appearance: Appearance, parent: QWidget) -> None:
        super().__init__(appearance, "Tools", "Ctrl+T", parent)
        self._tools: tuple[Option, ...] = ()
        self._on: frozenset[str] = frozenset()
        self.show_tools((), frozenset())

    def show_tools(self, tools: Sequence[Option], on: frozenset[str]) -> None:
        """Say which tools there are and which are on; hidden where there are none."""
        self._tools = tuple(tools)
        self._on = on
        count = sum(tool.key in on for tool in tools)
        self.show_choice("Tools", str(count) if count else "")
        self.setAccessibleName(f"Tools: {count} of {len(tools)} on")
        self.setVisible(bool(tools))

    def open_menu(self) -> None:
        """Show the menu above the button."""
        if not self._tools:
            return
        menu = QMenu(self)
        menu.setAccessibleName("Tools that the model may call")
        menu.aboutToHide.connect(menu.deleteLater)
        for tool in self._tools:
            action = QAction(f"{tool.words}\t{tool.hint}" if tool.hint else tool.words, menu)
            action.setCheckable(True)
            action.setChecked(tool.key in self._on)
            action.setData(tool.key)
            menu.addAction(action)
        menu.triggered.connect(self._on_triggered)
        self.opened.emit()
        menu.popup(self.mapToGlobal(QPoint(0, -menu.sizeHint().height() - 4)))

    def _on_triggered(self, action: QAction) -> None:
        self.switched.emit(self._on ^ {str(action.data())})
