"""The table: columns of the mock-up, rows that are kept while nothing changes, and thousands of them."""

import asyncio
import time
from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.models.row_delegate import columns_for
from app.models.words import JUDGING
from tests.app.own_time import SLOT_MS, TRIES, least_ms

MANY = 2000


def test_columns_have_the_measures_of_the_mock_up():
    columns = columns_for(759, 178)
    model, size, device, speed, fit, state = columns
    assert model == (16, 218 - 16 + 1)
    assert size[1] == 76
    assert device[1] == 72 - 20
    assert speed[1] == 82
    assert (state[0], state[1]) == (759 - 104, 104)
    assert fit[0] + fit[1] + 8 == state[0]


@pytest.mark.parametrize("width", [560, 660, 759, 900, 1600, 3000])
def test_columns_never_overlap(width):
    columns = columns_for(width, 178)
    for (left, wide), (after, _) in pairwise(columns):
        assert wide >= 0
        assert left + wide <= after
    assert columns.state[0] + columns.state[1] == width


def test_equal_rows_repaint_nothing_and_a_changed_one_only_itself(shown):
    async def check(bench) -> None:
        model, told = bench.table.model, []
        model.dataChanged.connect(lambda first, last: told.append((first.row(), last.row())))
        model.modelReset.connect(lambda: told.append("reset"))
        bench.board.installed.show_now()
        assert told == []
        bench.engine.change("starter", tokens_per_s=150.0)
        bench.controllers.installed.look()
        await bench.settled()
        assert told == [(6, 6)]
        assert model.entry(6).speed == "150\u00a0tok/s"

    shown(check)


def test_the_table_is_as_high_as_its_rows(shown):
    async def check(bench) -> None:
        assert bench.table.height() == 32 + 7 * 52 + 2
        assert not bench.table.view.verticalScrollBar().isVisible()
        bench.board.installed.bar.search.setText("qwen")
        await asyncio.sleep(0)
        bench.board.layout().activate()
        await bench.until(lambda: bench.table.height() == 32 + 2 * 52 + 2)

    shown(check)


@pytest.fixture
def crowd(run, make_bench, staged, dressed):
    cards = [
        replace(
            staged.coder,
            info=replace(staged.coder.info, id=f"model-{n}", path=staged.coder.info.path.with_name(f"model-{n}.gguf")),
            title=f"Model {n:04}",
            tags=("even",) if n % 2 else (),
        )
        for n in range(MANY)
    ]
    bench = make_bench(*cards)

    def show(check) -> None:
        async def body() -> None:
            dressed(bench.appearance)
            async with bench:
                result = check(bench)
                if result is not None:
                    await result

        run(body())

    return show


def test_two_thousand_scroll_without_a_pause_and_judge_only_what_is_seen(crowd):
    async def check(bench) -> None:
        view, bar = bench.table.view, bench.table.view.verticalScrollBar()
        assert bench.table.model.rowCount() == MANY
        await bench.settled()
        assert bench.engine.fits < 100
        step = bar.maximum() // (TRIES + 1)

        def scroll(attempt: int) -> None:
            bar.setValue((attempt + 1) * step)
            view.viewport().repaint()

        assert least_ms(scroll) <= SLOT_MS
        await bench.settled()
        seen = bench.table.model.entry(view.indexAt(view.viewport().rect().center()).row())
        await bench.until(lambda: bench.table.model.look(seen) is not JUDGING)
        assert bench.engine.fits < 400

    crowd(check)


def test_two_thousand_are_searched_sorted_and_chosen_without_a_pause(crowd):
    async def check(bench) -> None:
        search = bench.board.installed.bar.search
        assert least_ms(lambda attempt: search.setText("model 1" if attempt % 2 else "model 12")) <= SLOT_MS
        search.clear()
        await bench.settled()
        assert least_ms(lambda attempt: bench.choose(f"model-{attempt * 100}")) <= SLOT_MS
        await bench.settled()

    crowd(check)


def test_a_look_at_two_thousand_costs_next_to_nothing(crowd):
    async def check(bench) -> None:
        await bench.settled()
        assert least_ms(lambda _: bench.controllers.installed.look()) <= SLOT_MS / 2
        loads = [{}, {"model-7": 0.5}]

        def load(attempt: int) -> None:
            bench.engine.loading = loads[attempt % 2]
            bench.controllers.installed.look()
            bench.table.view.viewport().repaint()

        assert least_ms(load) <= SLOT_MS
        await bench.settled()

    crowd(check)


def test_two_thousand_open_at_once(crowd):
    async def check(bench) -> None:
        longest = 0.0
        loop = asyncio.get_running_loop()
        bench.controllers.installed._version = None
        bench.controllers.installed.look()
        while bench.tasks.count:
            begun, cpu = loop.time(), time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, min(loop.time() - begun, time.thread_time() - cpu))
        assert longest * 1000 <= 100  # a frame or a few on this thread; the rows were made on another
        await bench.settled()

    crowd(check)


def test_arrows_enter_and_delete(shown):
    async def check(bench) -> None:
        view = bench.table.view
        view.setFocus(Qt.FocusReason.TabFocusReason)
        bench.choose("llama-3.2-3b-instruct")
        QTest.keyClick(view, Qt.Key.Key_Down)
        assert bench.table.chosen_id == "minilm-l6-v2"
        QTest.keyClick(view, Qt.Key.Key_End)
        assert bench.table.chosen_id == "starter"
        QTest.keyClick(view, Qt.Key.Key_Return)
        assert bench.pane.footer.load.hasFocus()
        await bench.settled()

    shown(check)
