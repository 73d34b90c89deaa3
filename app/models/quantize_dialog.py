"""QuantizeDialog: makes a smaller model: what of, by which recipe, and what that takes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from app.models.quantize_controller import QuantizeController
from app.models.quantize_table import RecipeTable, speedup_words
from app.models.words import format_words, size_words
from app.theme import Appearance
from app.theme.widgets import ChoiceDialog, ElidedLabel, IconButton
from app.theme.widgets.labels import say, text_label
from engine import ModelCard, RecipeForecast

_OURS: Final = "The text that comes with Hearth"
_OUR_PICTURES: Final = "The pictures that come with Hearth"
_RESERVE_BYTES: Final = 500_000_000  # the system needs some of the disk too


class QuantizeDialog(ChoiceDialog):
    """Asks for recipes when it opens, and begins a job when it is accepted; the source stays as it is.

    Attributes:
        table: the recipes.
        calibration: what the model is looked at with; None takes what comes with Hearth.
    """

    def __init__(
        self, appearance: Appearance, controller: QuantizeController, card: ModelCard, parent: QWidget
    ) -> None:
        super().__init__(appearance, f"Make {card.title} smaller", "Cancel", "Start", parent)
        self.yes_button.setProperty("kind", "primary")
        self.calibration: Path | None = None
        self._controller = controller
        self._card = card
        self._source_bytes = card.info.size_bytes
        self.table = RecipeTable(appearance, self)
        self._wait = text_label("Looking at what can be made of it…", is_muted=True)
        self._reason = text_label("")
        self._calibration = QWidget(self)
        self._calibration_name = ElidedLabel(self._default_words, self)
        self._choose_button = QPushButton("Choose another…", self)
        self._reset = IconButton(appearance, "close", "Take what comes with Hearth", small=True, parent=self)
        self._disk = text_label("", "small", is_muted=True)
        for label in (self._wait, self._reason, self._disk):
            label.setFixedWidth(self.room_width)  # else their height is guessed for a narrower one
        self._fill()
        self._connect()
        self._show_choice()
        controller.ask(card.info.id, self._show_recipes, self._show_failure)

    @property
    def message(self) -> str:
        """Why the recipe suits, or why there is none."""
        return self._reason.text() or self._wait.text()

    def choose_calibration(self) -> QFileDialog:
        """Open the dialog for a text, or for a folder of pictures; it does not block."""
        is_graph = self._card.info.format == "onnx"
        dialog = QFileDialog(self, "Choose a folder of pictures" if is_graph else "Choose a text")
        if is_graph:
            dialog.setFileMode(QFileDialog.FileMode.Directory)
            dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        else:
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            dialog.setNameFilters(["Texts (*.txt *.md)", "All files (*)"])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.set_calibration(Path(name)))
        dialog.open()
        return dialog

    def set_calibration(self, path: Path | None) -> None:
        """Look at the model with this; None takes what comes with Hearth."""
        self.calibration = path
        say(self._calibration_name, str(path) if path is not None else self._default_words)
        self._reset.setVisible(path is not None)

    # ------------------------------------------------------------------------------------------------------- private

    @property
    def _default_words(self) -> str:
        return _OUR_PICTURES if self._card.info.format == "onnx" else _OURS

    def _connect(self) -> None:
        self.table.chosen.connect(self._show_choice)
        self._choose_button.clicked.connect(self.choose_calibration)
        self._reset.clicked.connect(lambda: self.set_calibration(None))
        self.accepted.connect(self._begin)

    def _fill(self) -> None:
        theme = self._appearance.theme
        source = f"Made from {format_words(self._card.info)} of {size_words(self._source_bytes)}, which stays as it is."
        self.room.addWidget(text_label(source, is_muted=True))
        self.room.addSpacing(theme.space("xs"))
        self.room.addWidget(self._wait)
        self.room.addWidget(self.table)
        self.room.addWidget(self._reason)
        label = text_label("Looked at with, to know which weights matter", "label")
        self.room.addWidget(label)
        self._calibration_title = label
        row = QHBoxLayout(self._calibration)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.space("s"))
        row.addWidget(self._calibration_name, 1)
        row.addWidget(self._reset)
        row.addWidget(self._choose_button)
        self._choose_button.setProperty("small", True)
        self._choose_button.setAutoDefault(False)
        self._reset.hide()
        self.room.addWidget(self._calibration)
        self.room.addWidget(self._disk)

    def _show_recipes(self, forecasts: Sequence[RecipeForecast]) -> None:
        self._wait.hide()
        self.table.show_recipes(forecasts, self._source_bytes)
        self._show_choice()
        if self.safe_button.hasFocus() and self.table.rows:
            chosen = next(row for row in self.table.rows if row.isChecked())
            chosen.setFocus(Qt.FocusReason.OtherFocusReason)
        self._fit()

    def _show_failure(self, cause: str, remedy: str) -> None:
        say(self._wait, f"{cause} {remedy}".strip())
        self.safe_button.setText("Close")
        self._fit()

    def _fit(self) -> None:
        """Become as high as what came later; `adjustSize` would stop at two thirds of the screen."""
        layout = self.layout()
        if layout is not None:
            layout.activate()
            self.resize(self.width(), layout.totalHeightForWidth(self.width()))

    def _show_choice(self) -> None:
        """Say why the chosen recipe suits, what it needs, and whether there is room for it."""
        forecast = self.table.forecast
        for part in (self.table, self._reason, self._disk):
            part.setVisible(forecast is not None)
        needs_text = forecast is not None and forecast.recipe.needs_calibration
        self._calibration_title.setVisible(needs_text)
        self._calibration.setVisible(needs_text)
        self.yes_button.setEnabled(forecast is not None)
        if forecast is None:
            return
        say(self._reason, " ".join(filter(None, (forecast.recipe.explanation, forecast.reason))))
        free = self._controller.free_bytes
        lacks = forecast.size_bytes + _RESERVE_BYTES - free if free else 0
        self.yes_button.setEnabled(lacks <= 0)
        if lacks > 0:
            say(self._disk, f"The disk lacks {size_words(lacks)}. Remove a model, or free some space.")
        else:
            room = f" of {size_words(free)} free" if free else ""
            speed = f"about {speedup_words(forecast.speedup)} as fast"
            say(
                self._disk,
                f"Takes {size_words(forecast.size_bytes)}{room}. Forecast: {speed}, measured in the end.",
            )
        self.yes_button.setAccessibleName(f"Make {self._card.title} smaller: {forecast.recipe.name}")
        self._fit()

    def _begin(self) -> None:
        forecast = self.table.forecast
        if forecast is not None:
            text = self.calibration if forecast.recipe.needs_calibration else None
            self._controller.begin(self._card.info.id, forecast.recipe.id, text)
