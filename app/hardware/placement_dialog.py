"""PlacementDialog: where a model would run and why, and the choice to have it run elsewhere."""

from typing import Final, cast

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.hardware.controller import HardwareController
from app.hardware.placement_table import PlacementTable
from app.hardware.placement_words import cost_of, is_for_texts, lines_of
from app.theme import Appearance
from app.theme.widgets import Banner, FocusRing
from app.usage import device_titles
from engine.hardware import PlacementReport

_WIDTH: Final = 760
_HEIGHTS: Final = (320, 600)  # least and most
_NO_MODELS: Final = "There is no model on this computer yet."
_NO_CHOICE: Final = "What is chosen here counts for the next request; Automatic takes it back."


class PlacementDialog(QDialog):
    """A model, the devices it could run on with what each would give, and one of them chosen. Applied at once.

    Attributes:
        model: the choice of the model.
        table: the devices.
        cost: what the choice costs.
        banner: what did not work.
        close_button: closes.
    """

    def __init__(self, appearance: Appearance, controller: HardwareController, model: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setWindowTitle("Where models run")
        self.setAccessibleName("Where models run")
        self._appearance = appearance
        self._controller = controller
        self.model = QComboBox(self)
        self.table = PlacementTable(appearance, self)
        self.cost = QLabel(_NO_CHOICE, self)
        self.banner = Banner(appearance, self)
        self.close_button = QPushButton("Close", self)
        self._is_fitted = False
        self._waiting = QLabel(self)
        self._scroll = QScrollArea(self)
        self._room = QWidget()
        self._lay_out()
        self._ring = FocusRing(appearance, self, cast("QApplication", QApplication.instance()))
        self._connect()
        self._fill(model)

    @property
    def model_id(self) -> str:
        """The model that is shown; empty for none."""
        return self.model.currentText()

    def showEvent(self, event: QShowEvent) -> None:
        """Begin with the model."""
        super().showEvent(event)
        self._ring.attach()
        (self.model if self.model.count() else self.close_button).setFocus(Qt.FocusReason.TabFocusReason)

    def _fill(self, model: str) -> None:
        names = [info.id for info in self._controller.models]
        self.model.addItems(names)
        self.model.setEnabled(bool(names))
        if model in names:
            self.model.setCurrentIndex(names.index(model))
        self._waiting.setText("Looking at the devices…" if names else _NO_MODELS)
        self.model.currentTextChanged.connect(self._on_model)
        if names:
            self._controller.look_up(self.model_id)

    def _on_model(self, model: str) -> None:
        self.banner.clear()
        self._controller.look_up(model)

    def _on_picked(self, device: str) -> None:
        self.banner.clear()
        self._controller.choose_device(self.model_id, device)

    def _on_placed(self, report: PlacementReport) -> None:
        if report.model != self.model_id:
            return  # another model was chosen meanwhile
        snapshot = self._controller.snapshot
        titles = device_titles(snapshot.devices) if snapshot is not None else {}
        self.table.show_lines(lines_of(report, titles), report.override, are_texts=is_for_texts(report))
        cost = cost_of(report, titles)
        self.cost.setText(cost or _NO_CHOICE)
        self.cost.setProperty("muted", not cost)
        self.cost.style().unpolish(self.cost)
        self.cost.style().polish(self.cost)
        self._show_table(True)
        if not self._is_fitted:
            self._is_fitted = True
            self._fit()

    def _fit(self) -> None:
        """Be as high as the devices of this machine need, once; another model has as many."""
        needed = self.height() - self._scroll.viewport().height() + self._room.sizeHint().height()
        self.resize(self.width(), max(_HEIGHTS[0], min(_HEIGHTS[1], needed)))

    def _on_not_placed(self, model: str, cause: str, remedy: str) -> None:
        if model == self.model_id:
            self.banner.show_message("bad", cause, remedy)
            if self._waiting.isVisibleTo(self):
                self._waiting.setText("")

    def _show_table(self, is_shown: bool) -> None:
        self._scroll.setVisible(is_shown)
        self._waiting.setVisible(not is_shown)

    def _connect(self) -> None:
        self.table.picked.connect(self._on_picked)
        self.close_button.clicked.connect(self.accept)
        self._controller.placed.connect(self._on_placed)
        self._controller.not_placed.connect(self._on_not_placed)

    def _lay_out(self) -> None:
        theme = self._appearance.theme
        self.resize(_WIDTH, _HEIGHTS[0])
        edge = theme.space("xl")
        title = QLabel("Where models run", self)
        title.setProperty("role", "title")
        body = QVBoxLayout()
        body.setContentsMargins(edge, edge, edge, theme.space("l"))
        body.setSpacing(theme.space("m"))
        body.addWidget(title)
        body.addLayout(self._chooser())
        body.addWidget(self.banner)
        self._waiting.setProperty("muted", True)
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        body.addWidget(self._waiting, 1)
        body.addWidget(self._table(), 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(1, 1, 1, 1)  # the edge, for windows that have no frame
        whole.setSpacing(0)
        whole.addLayout(body, 1)
        whole.addWidget(self._footer())
        self._show_table(False)

    def _chooser(self) -> QHBoxLayout:
        label = QLabel("Model", self)
        label.setProperty("role", "label")
        label.setBuddy(self.model)
        self.model.setAccessibleName("Model")
        self.model.setMinimumWidth(280)
        row = QHBoxLayout()
        row.setSpacing(self._appearance.theme.space("m"))
        row.addWidget(label)
        row.addWidget(self.model)
        row.addStretch(1)
        return row

    def _table(self) -> QScrollArea:
        column = QVBoxLayout(self._room)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(self._appearance.theme.space("m"))
        column.addWidget(self.table)
        column.addWidget(self.cost)
        column.addStretch(1)
        self.cost.setWordWrap(True)
        self.cost.setTextFormat(Qt.TextFormat.PlainText)
        self.cost.setProperty("muted", True)
        self._scroll.setWidget(self._room)
        self._room.setAutoFillBackground(False)  # QScrollArea has just set it
        self._scroll.viewport().setAutoFillBackground(False)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setAccessibleName("Devices")
        return self._scroll

    def _footer(self) -> QFrame:
        theme = self._appearance.theme
        footer = QFrame(self)
        footer.setProperty("line", "top")
        row = QHBoxLayout(footer)
        row.setContentsMargins(theme.space("xl"), theme.space("m"), theme.space("xl"), theme.space("m"))
        row.addStretch(1)
        row.addWidget(self.close_button)
        return footer
