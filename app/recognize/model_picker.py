"""ModelPicker: which model looks at the pictures."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.theme import Appearance
from engine.types import ModelInfo

_DOT = 8


class ModelPicker(QPushButton):
    """A button that says the model and opens the list of the others.

    Signals:
        chosen: id of the model that the person wants.
    """

    chosen = Signal(str)

    def __init__(self, appearance: Appearance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._appearance = appearance
        self._is_loaded = False
        self.setProperty("menu", True)
        self.setIconSize(QSize(_DOT + 12, _DOT))  # the style sheet's padding does not reach the icon
        self._menu = QMenu(self)
        self.setMenu(self._menu)
        self._group: QActionGroup | None = None
        appearance.changed.connect(self._paint_dot)
        self.show_models((), "", is_loaded=False)

    def show_models(self, models: Sequence[ModelInfo], model_id: str, *, is_loaded: bool) -> None:
        """Say which models there are, which one is used, and whether it is in memory."""
        self._is_loaded = is_loaded
        self.setEnabled(bool(models))
        self.setText(model_id or "No model")
        state = "loaded" if is_loaded else "on disk"
        name = f"Model: {model_id}, {state}" if model_id else "There is no model that can look at pictures"
        self.setAccessibleName(name)
        self.setToolTip(name)
        self._menu.clear()
        self._group = QActionGroup(self._menu)
        for model in models:
            action = QAction(f"{model.id}   {_kinds(model)}", self._menu)
            action.setCheckable(True)
            action.setChecked(model.id == model_id)
            action.setData(model.id)
            self._group.addAction(action)
            self._menu.addAction(action)
        self._group.triggered.connect(self._on_triggered)
        self._paint_dot()

    def _on_triggered(self, action: QAction) -> None:
        self.chosen.emit(action.data())

    def _paint_dot(self) -> None:
        theme = self._appearance.theme
        ratio = self.devicePixelRatioF()
        room = self.iconSize()
        pixmap = QPixmap(room * ratio)
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(room.width() - _DOT - 2, (room.height() - _DOT) / 2)
        if self._is_loaded:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("success"))
            painter.drawEllipse(0, 0, _DOT, _DOT)
        else:
            painter.setPen(theme.color("border-strong"))
            painter.drawEllipse(1, 1, _DOT - 2, _DOT - 2)
        painter.end()
        self.setIcon(QIcon(pixmap))


def _kinds(model: ModelInfo) -> str:
    return ", ".join(model.tasks)
