"""The page over a real engine with the models that came with Hearth."""

import asyncio
import shutil
from pathlib import Path

import pytest
from PySide6.QtTest import QTest

from app.models.compare_dialog import CompareDialog
from app.models.quantize_dialog import QuantizeDialog
from app.models.row_menu import Action
from engine import Engine, Fit, ModelDefaults
from resources import models_dir
from tests.computing import computing

pytestmark = pytest.mark.models


@pytest.fixture
def home(tmp_path: Path) -> Path:
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    shutil.copy(models_dir() / "starter.gguf", models / "own-copy.gguf")
    (models / "half.gguf").write_bytes((models_dir() / "starter.gguf").read_bytes()[:4000])
    return tmp_path / "home"


@pytest.fixture
def real(run, staged, home, dressed):
    """Run a check on a page over an engine that is open."""

    def show(check) -> None:
        async def body() -> None:
            async with asyncio.timeout(90), Engine(computing(home=home, used_in_place=())) as engine:
                bench = staged.bench(engine)
                dressed(bench.appearance)
                async with bench:
                    await check(bench)

        run(body())

    return show


def test_bundled_own_and_broken_files_are_listed_judged_loaded_and_let_go(real):
    async def check(bench) -> None:
        rows = {row.id: row for row in bench.controllers.installed.rows}
        assert {"starter", "reader", "own-copy"} <= rows.keys()
        (broken,) = [row for row in rows.values() if row.path.name == "half.gguf"]
        assert broken.cause
        assert broken.remedy
        bench.choose("own-copy")
        await bench.settled()
        found = bench.controllers.installed.judgement(bench.board.chosen)
        assert found.verdict.fit is Fit.FITS
        assert "Needed" in bench.said(bench.pane.verdict)
        bench.pane.footer.load.click()
        await bench.until(lambda: bench.pane.footer.load.text() == "Unload")
        assert bench.controllers.installed.state(bench.board.chosen).device == "cpu"
        bench.pane.head.pin.click()
        await bench.settled()
        assert bench.engine.card("own-copy").defaults.is_pinned
        await bench.until(lambda: bench.controllers.installed.state(bench.board.chosen).is_pinned)
        bench.pane.footer.load.click()
        await bench.until(lambda: bench.pane.footer.load.text() == "Load")

    real(check)


def test_names_tags_and_defaults_are_kept_by_the_library(real):
    async def check(bench) -> None:
        bench.choose("own-copy")
        await bench.settled()
        bench.pane.head.rename()
        bench.pane.head._edit.setText("My copy")
        QTest.keyClick(bench.pane.head._edit, "\r")
        await bench.until(lambda: "My copy" in bench.titles)
        row = bench.board.chosen
        bench.controllers.installed.actions.describe(row, tags=("small",))
        bench.controllers.installed.actions.set_defaults(row.id, ModelDefaults(context_tokens=512))
        await bench.settled()
        card = bench.engine.card("own-copy")
        assert (card.title, card.tags, card.defaults.context_tokens) == ("My copy", ("small",), 512)

    real(check)


def test_a_file_that_arrives_or_goes_is_noticed(real, home):
    async def check(bench) -> None:
        shutil.copy(models_dir() / "starter.gguf", home / "models" / "late.gguf")
        await bench.until(lambda: bench.controllers.installed.find("late") is not None)
        (home / "models" / "late.gguf").unlink()
        await bench.until(lambda: bench.controllers.installed.find("late") is None)

    real(check)


def test_the_dialogs_of_a_model_open_on_it(real):
    async def check(bench) -> None:
        bench.choose("own-copy")
        await bench.settled()
        bench.pane.footer.quantize.click()
        dialog = bench.dialog(QuantizeDialog)
        assert dialog is not None
        await bench.settled()
        dialog.reject()
        bench.board.act(Action.COMPARE)
        dialog = bench.dialog(CompareDialog)
        assert dialog is not None
        await bench.settled()
        dialog.reject()

    real(check)
