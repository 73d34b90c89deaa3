"""QuantizeController: what can be made of a model, and the beginning of making it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.models.hub_settings import reason_of
from app.models.hub_source import QuantizeSource
from app.tasks import Tasks
from engine import RecipeForecast

GetRecipes = Callable[[Sequence[RecipeForecast]], None]
GetReason = Callable[[str, str], None]


class QuantizeController(QObject):
    """Asks for recipes and begins jobs.

    Signals:
        began: number of a job that began.
        failed: a job did not begin: cause, remedy.

    Thread: UI only.
    """

    began = Signal(int)
    failed = Signal(str, str)

    def __init__(self, engine: QuantizeSource, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._tasks = tasks

    @property
    def free_bytes(self) -> int:
        """Free on the disk that models go to."""
        return self._engine.hub_state().free_bytes

    def ask(self, model: str, got: GetRecipes, failed: GetReason) -> None:
        """Have one of two functions called with what can be made of a model, or with cause and remedy."""
        self._tasks.start(
            self._ask(model, got), on_error=lambda error: failed(*reason_of(error)), name=f"recipes for {model}"
        )

    def begin(self, model: str, recipe: str, calibration: Path | None = None) -> None:
        """Begin to make a smaller model.

        Args:
            model: the source.
            recipe: id of the recipe.
            calibration: a text or a folder of pictures to look at; None takes what comes with Hearth.
        """
        self._tasks.start(
            self._begin(model, recipe, calibration),
            on_error=lambda error: self.failed.emit(*reason_of(error)),
            name=f"quantize {model}",
        )

    async def _ask(self, model: str, got: GetRecipes) -> None:
        got(await self._engine.recipes(model))

    async def _begin(self, model: str, recipe: str, calibration: Path | None) -> None:
        self.began.emit(await self._engine.quantize_model(model, recipe, calibration))
