"""The dialog that makes a smaller model: what it says before, what it begins, and what really comes of it."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.models.quantize_controller import QuantizeController
from app.models.quantize_dialog import QuantizeDialog
from app.models.quantize_table import smaller_words, speedup_words
from engine import CapabilityError, Engine, EngineConfig, HubState, JobState, ModelError, Recipe, RecipeForecast
from tests.app.models.finds import GB, MB, Stage, hub_installed

SOURCE = hub_installed("big", "someone/big", "big-f16.gguf")
RECIPES = tuple(
    RecipeForecast(
        recipe=Recipe(
            id=name,
            name=title,
            format="gguf",
            bits=bits,
            explanation=f"{title} weights.",
            needs_calibration=title != "INT8",
        ),
        size_bytes=size,
        speedup=speed,
        is_recommended=title == "Balanced",
        reason="It is the finest that leaves room." if title == "Balanced" else "",
    )
    for name, title, bits, size, speed in (
        ("q8_0", "INT8", 8.5, 530 * MB, 1.9),
        ("q5_k_m", "Balanced", 5.7, 360 * MB, 2.7),
        ("q4_k_m", "Small", 4.9, 300 * MB, 3.2),
    )
)


class FakePress:
    """Has recipes, and notes what it was told to begin."""

    def __init__(self) -> None:
        self.found: tuple[RecipeForecast, ...] = RECIPES
        self.begun: list[tuple[Any, ...]] = []
        self.error: Exception | None = None
        self.free_bytes = 212 * GB

    def hub_state(self) -> HubState:
        return HubState(is_offline=False, url="", free_bytes=self.free_bytes)

    async def recipes(self, model: str) -> tuple[RecipeForecast, ...]:
        self._raise_error()
        return self.found

    async def quantize_model(self, model: str, recipe: str, calibration: Path | None = None) -> int:
        self._raise_error()
        self.begun.append((model, recipe, calibration))
        return 7

    def _raise_error(self) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error


class PressStage(Stage):
    """The dialog over an empty window."""

    def __init__(self, press: Any, card: Any = SOURCE) -> None:
        super().__init__()
        self.press = press
        self.controller = QuantizeController(press, self.tasks)
        self.said_failed: list[tuple[str, str]] = []
        self.began: list[int] = []
        self.controller.failed.connect(lambda *words: self.said_failed.append(words))
        self.controller.began.connect(self.began.append)
        self.show(QWidget(), 800, 760)
        self.card = card

    async def open(self) -> QuantizeDialog:
        dialog = QuantizeDialog(self.appearance, self.controller, self.card, self.window)
        dialog.open()
        await self.settled()
        return dialog


@pytest.fixture
def staged(run: Callable[..., None], dressed: Callable[..., None]) -> Callable[..., None]:
    """Run a check on the dialog."""

    def show(check: Callable[[PressStage], Any], press: Any = None, card: Any = SOURCE) -> None:
        async def body() -> None:
            stage = PressStage(press or FakePress(), card)
            dressed(stage.appearance)
            async with stage:
                await check(stage)

        run(body())

    return show


def test_it_shows_what_each_recipe_would_make_and_takes_the_recommended_one(staged):
    async def check(stage) -> None:
        dialog = await stage.open()
        assert [row.forecast.recipe.name for row in dialog.table.rows] == ["INT8", "Balanced", "Small"]
        assert dialog.table.forecast.recipe.name == "Balanced"
        assert dialog.message == "Balanced weights. It is the finest that leaves room."
        said = stage.said(dialog)
        assert "Made from GGUF of 1.00\u00a0GB, which stays as it is." in said
        assert "Takes 360\u00a0MB of 212\u00a0GB free." in said
        name = dialog.table.rows[1].accessibleName()
        assert name == "Balanced, recommended, Q5_K_M · 5.7\u00a0bits, 360\u00a0MB, −64\u00a0%, 2.7\u00a0× as fast"
        assert all(row.height() == 52 for row in dialog.table.rows)
        tops = [row.geometry().top() for row in dialog.table.rows]
        assert [after - before for before, after in pairwise(tops)] == [52, 52]
        dialog.accept()
        await stage.until(lambda: stage.began)
        assert stage.press.begun == [("big", "q5_k_m", None)]

    staged(check)


def test_arrow_keys_move_between_recipes(staged):
    async def check(stage) -> None:
        dialog = await stage.open()
        rows = dialog.table.rows
        rows[1].setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(rows[1], Qt.Key.Key_Down)
        assert rows[2].isChecked()
        assert "Takes 300\u00a0MB" in stage.said(dialog)
        assert dialog.yes_button.accessibleName() == "Make big smaller: Small"
        dialog.reject()

    staged(check)


def test_a_text_of_ones_own_is_offered_where_a_recipe_looks_at_one(staged, tmp_path):
    async def check(stage) -> None:
        dialog = await stage.open()
        text = tmp_path / "mine.txt"
        assert "The text that comes with Hearth" in stage.said(dialog)
        dialog.set_calibration(text)
        assert str(text) in stage.said(dialog)
        chooser = dialog.choose_calibration()
        assert chooser.nameFilters()[0] == "Texts (*.txt *.md)"
        chooser.reject()
        dialog.table.rows[0].click()  # needs none
        assert str(text) not in stage.said(dialog)
        dialog.table.rows[2].click()
        dialog.accept()
        await stage.until(lambda: stage.began)
        assert stage.press.begun == [("big", "q4_k_m", text)]

    staged(check)


def test_a_disk_that_is_too_full_is_said_and_nothing_begins(staged):
    press = FakePress()
    press.free_bytes = 600 * MB

    async def check(stage) -> None:
        dialog = await stage.open()
        assert "The disk lacks 260\u00a0MB." in stage.said(dialog)
        assert not dialog.yes_button.isEnabled()
        dialog.reject()

    staged(check, press)


def test_a_model_of_which_nothing_can_be_made_says_why(staged):
    press = FakePress()
    press.error = CapabilityError("Its weights are INT8 already.", "Take the original, if there is one.")

    async def check(stage) -> None:
        dialog = await stage.open()
        assert dialog.message == "Its weights are INT8 already. Take the original, if there is one."
        assert not dialog.yes_button.isEnabled()
        assert dialog.safe_button.text() == "Close"
        dialog.reject()
        await stage.settled()
        assert stage.press.begun == []

    staged(check, press)


def test_a_job_that_does_not_begin_says_why(staged):
    async def check(stage) -> None:
        dialog = await stage.open()
        stage.press.error = ModelError("The result is there already.", "Remove it first.")
        dialog.accept()
        await stage.until(lambda: stage.said_failed)
        assert stage.said_failed == [("The result is there already.", "Remove it first.")]

    staged(check)


def test_a_dialog_that_is_closed_before_the_recipes_come_hears_no_more_of_them(staged):
    async def check(stage) -> None:
        dialog = QuantizeDialog(stage.appearance, stage.controller, stage.card, stage.window)
        dialog.open()
        dialog.reject()
        await stage.settled()
        assert stage.errors == []

    staged(check)


def test_words():
    assert smaller_words(300, 1_000) == "−70\u00a0%"
    assert smaller_words(1_200, 1_000) == "−0\u00a0%"
    assert smaller_words(1, 0) == ""
    assert speedup_words(2.66) == "2.7\u00a0×"


@pytest.mark.long
@pytest.mark.timeout(600)  # what it kept is measured, beside other tests too
def test_the_starter_is_really_made_smaller(staged, tmp_path):
    engine = Engine(EngineConfig(home=tmp_path / "home", used_in_place=()))

    async def check(stage) -> None:
        dialog = await stage.open()
        assert dialog.table.forecast is not None, dialog.message
        dialog.table.rows[0].click()
        dialog.accept()
        await stage.until(lambda: stage.began)
        await stage.until(lambda: engine.jobs()[0].is_over, within_s=500)
        job = engine.jobs()[0]
        assert job.state is JobState.DONE, job
        result = next(card for card in engine.cards() if card.provenance.made_from)
        assert result.info.size_bytes < 0.6 * stage.card.info.size_bytes
        assert result.report is not None
        assert result.report.kept > 0.97
        await engine.close()

    staged(check, engine, engine.card("starter"))
