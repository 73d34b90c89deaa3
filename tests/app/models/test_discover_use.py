"""Discover by keyboard, wide and narrow, for those who do not see it, and quickly."""

from dataclasses import replace
from time import perf_counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.models.jobs_controller import JobsController
from app.models.jobs_tray import JobsTray
from tests.app.models.finds import CODER, GATED, QWEN, FakeHub, job


def test_everything_can_be_done_with_the_keyboard(on_discover):
    async def check(stage) -> None:
        view = stage.view
        view.focus_first()
        assert view.list.view.hasFocus()
        QTest.keyClick(view.list.view, Qt.Key.Key_Down)
        assert stage.controller.detail.model.repo == GATED.repo
        QTest.keyClick(view.list.view, Qt.Key.Key_Down)  # over the caption
        assert stage.controller.detail.model.repo == CODER.repo
        QTest.keyClick(view.list.view, Qt.Key.Key_Return)
        assert stage.pane.main_button.hasFocus()  # one size only: no slider
        QTest.keyClick(stage.pane.main_button, Qt.Key.Key_Space)
        await stage.until(lambda: stage.hub.calls)
        assert stage.hub.calls == [("download", CODER.repo, "model-Q8_0.gguf")]

    on_discover(check)


def test_ctrl_f_goes_to_the_search_wherever_one_is(on_discover):
    async def check(stage) -> None:
        for widget in (stage.view.list.view, stage.pane.sizes.slider, stage.view.filters.search):
            widget.setFocus()
            QTest.keyClick(widget, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
            assert stage.view.filters.search.hasFocus()

    on_discover(check)


def test_where_there_is_little_room_the_details_open_over_the_list(on_discover):
    async def check(stage) -> None:
        assert not stage.pane.isVisible()
        stage.view.focus_first()
        QTest.keyClick(stage.view.list.view, Qt.Key.Key_Down)
        QTest.keyClick(stage.view.list.view, Qt.Key.Key_Return)
        assert stage.pane.isVisible()
        assert stage.pane.geometry().right() == stage.view.width() - 1
        QTest.keyClick(stage.pane, Qt.Key.Key_Escape)
        assert not stage.pane.isVisible()
        assert stage.view.list.view.hasFocus()

    on_discover(check, width=952)


@pytest.mark.parametrize("width", [952, 1108, 1208, 1700])
def test_no_title_leaves_its_column_and_nothing_is_wider_than_the_window(on_discover, width):
    async def check(stage) -> None:
        assert stage.window.width() == width
        view = stage.view.list.view
        assert view.viewport().width() >= 500
        for combo in stage.view.filters.combos.values():
            assert combo.geometry().right() <= stage.view.filters.width()

    on_discover(check, width=width)


def test_a_model_whose_files_are_unknown_is_asked_about_by_the_button(on_discover):
    hub = FakeHub(replace(QWEN, files=(), recommended=""))

    async def check(stage) -> None:
        assert stage.pane.main_button.text() == "Show its files"
        assert "Not known yet" in stage.words()
        stage.pane.main_button.click()
        await stage.until(lambda: stage.pane.main_button.text() == "Download 1.00\u00a0GB")

    on_discover(check, hub)


def test_a_row_says_all_of_itself_to_those_who_do_not_see_it(on_discover):
    async def check(stage) -> None:
        index = stage.view.list.model.index_of(GATED.repo)
        said = index.data(Qt.ItemDataRole.AccessibleTextRole)
        assert said == "Gated 2B, Gemma terms, 1.70\u00a0GB, 38\u00a0tok/s, Fits, needs an account, owner/gated-2b"

    on_discover(check)


def test_a_fit_that_is_not_known_is_not_called_one(on_discover):
    hub = FakeHub(replace(CODER, files=(replace(CODER.files[0], fit=None, tokens_per_s=None),)))

    async def check(stage) -> None:
        assert stage.view.list.model.entry(1).look.words == "Not known yet"
        assert stage.pane.sizes.cards[0].file.fit is None
        stage.pane.main_button.click()
        await stage.until(lambda: stage.hub.calls)  # unknown is no reason to ask

    on_discover(check, hub)


def test_a_row_says_all_of_itself_to_the_pointer_and_never_as_html(on_discover):
    hub = FakeHub(replace(QWEN, name="<b>Qwen</b>"))

    async def check(stage) -> None:
        index = stage.view.list.model.index_of(QWEN.repo)
        said = index.data(Qt.ItemDataRole.ToolTipRole)
        assert said.startswith("<p>&lt;b&gt;Qwen&lt;/b&gt; · 7.6\u00a0B · Apache 2.0<br>A strong assistant")

    on_discover(check, hub)


def test_a_hundred_finds_and_a_long_card_cost_no_frame(on_discover):
    hub = FakeHub()
    hub.found = tuple(replace(QWEN, repo=f"owner/model-{number}", is_catalogued=False) for number in range(100))
    hub.known |= {model.repo: model for model in hub.found}

    async def check(stage) -> None:
        stage.search("model")
        await stage.until(lambda: len(stage.controller.results) == 100)
        slots = {
            "list": stage.controller.changed.emit,
            "detail": stage.controller.detail_changed.emit,
            "choose": lambda: stage.view.list.choose(next(repos)),
            "paint": stage.view.list.view.viewport().repaint,
        }
        repos = iter([f"owner/model-{number}" for number in range(5, 25)])
        took: dict[str, float] = {}
        for name, slot in slots.items():
            for _ in range(8):
                begin = perf_counter()
                slot()
                took[name] = min(took.get(name, 1.0), perf_counter() - begin)
        assert max(took.values()) < 0.016, took

    on_discover(check, hub)


def test_the_smallest_window_shows_list_and_tray(on_discover):
    async def check(stage) -> None:
        jobs = JobsController(stage.hub, stage.tasks)
        stage.hub.board = {number: job(number) for number in range(1, 6)}
        tray = JobsTray(stage.appearance, jobs)
        stage.view.foot.addWidget(tray)
        jobs.look()
        jobs.close()
        stage.hub.set_offline(True)
        stage.controller.changed.emit()  # with a banner too
        stage.window.resize(952, 552)
        await stage.until(lambda: stage.view.height() == 552)
        assert tray.geometry().bottom() < 552
        assert stage.view.list.height() >= 100
        assert tray.rows[1].isVisible()

    on_discover(check)
