"""The page: what runs, what waits and why, and what has finished; by mouse, by key, and read aloud."""

import time
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu, QMessageBox, QPushButton, QToolButton, QWidget

from app.queue.board import Board
from app.queue.request_model import NUMBER, SCORE
from engine.errors import InvalidRequestError
from engine.queueing import Outcome, RequestState
from engine.requests import Urgency

ARRIVES = {"id": "r77", "title": "Just arrived", "position": 1}


def press(bench, key: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(QApplication.focusWidget() or bench.window, key, modifier)


def test_a_page_that_was_never_opened_builds_and_asks_nothing(run, make_bench):
    async def body() -> None:
        bench = make_bench()
        bench.page.hide()
        bench.window.show()
        bench.controller.open()
        await bench.until(bench.window.isVisible)
        assert bench.page.board is None
        assert bench.source.looks == 0
        await bench.__aexit__()

    run(body())


def test_before_the_engine_is_open_the_page_says_so(run, make_bench):
    async def body() -> None:
        bench = make_bench()
        bench.window.show()
        await bench.until(bench.window.isVisible)
        assert "not running yet" in bench.said(bench.page)
        assert not bench.page.header.pause_button.isEnabled()
        bench.controller.open()
        assert bench.board.isVisible()
        assert bench.page.header.pause_button.isEnabled()
        await bench.__aexit__()

    run(body())


def test_while_it_is_hidden_or_minimised_nothing_is_looked_at(shown):
    async def check(bench) -> None:
        looks = bench.source.looks
        bench.page.hide()
        assert not bench.controller._timer.isActive()
        bench.page.show()
        assert bench.source.looks == looks + 1
        bench.window.showMinimized()
        await bench.until(lambda: not bench.controller._timer.isActive())
        bench.window.showNormal()
        await bench.until(bench.controller._timer.isActive)

    shown(check)


def test_the_list_the_timeline_and_the_explanation_agree(shown):
    def check(bench) -> None:
        said = bench.said(bench.page)
        assert "4 answers and 16 pictures on 3 devices" in said
        assert bench.titles[:2] == ["Reply in Ideas for a herb garden", "Complete line 42 of main.py"]
        assert {block.lane for block, _track in bench.board.running.timeline.blocks} == {"cpu", "gpu:0", "npu:0"}
        bench.table.choose("r13")
        said = bench.said(bench.board.why)
        assert "Why third?" in said
        assert "0.35 + 0.31 for waiting =\n0.66" in said
        assert "Nothing that arrives more than 4 minutes after it can be chosen before it." in said
        assert "Its model must be loaded" not in said  # it stands whole in the list
        bench.source.change_request(
            "r13", reason="Waits because qwen2.5-14b would have to evict chat-8b; +0.31 waiting."
        )
        bench.look()
        assert "would have to evict chat-8b" in bench.said(bench.board.why)
        factors = bench.board.why.factors.accessibleDescription().replace("\u00a0", " ")
        assert factors.count(";") == 11
        assert "Urgency: interactive, level 2. 0.62, 0.167 points" in factors
        assert "Waiting time: 74 s. 74 s, 0.308 points" in factors

    shown(check)


def test_rows_go_on_being_selected_while_the_queue_moves(shown):
    def check(bench) -> None:
        bench.table.choose("r14")
        first, *rest = [it for it in bench.source.snapshot.requests if it.position]
        waiting = [replace(it, position=at + 2) for at, it in enumerate(reversed(rest))]
        bench.source.change(requests=(*bench.controller.running, replace(first, **ARRIVES), *waiting))
        bench.look()
        assert bench.titles[0] == "Just arrived"
        assert bench.table.selected.id == "r14"
        assert bench.board.why.request.position == bench.table.selected.position

    shown(check)


def test_when_the_selected_request_leaves_no_neighbour_is_selected_in_its_place(shown):
    def check(bench) -> None:
        bench.table.setFocus()
        bench.table.choose("r13")
        bench.source.change_request("r13", state=RequestState.RUNNING, position=0, starts_in_s=None)
        bench.look()
        assert bench.table.selected is None
        press(bench, Qt.Key.Key_Delete)
        assert bench.source.calls == []
        assert "Runs now" in bench.said(bench.board.why)
        ended = replace(bench.source.snapshot.ended[0], id="r13", title="Summarise minutes.pdf", total_s=3.2)
        bench.source.remove("r13")
        bench.source.change(ended=(ended, *bench.source.snapshot.ended))
        bench.look()
        assert "“Summarise minutes.pdf” is done, after 3.2 s." in bench.said(bench.board.why)

    shown(check)


def test_keys_act_on_the_selected_request(shown):
    def check(bench) -> None:
        bench.page.focus_first()
        assert bench.table.hasFocus()
        assert bench.table.selected.id == "r11"
        press(bench, Qt.Key.Key_Down)
        press(bench, Qt.Key.Key_U)
        press(bench, Qt.Key.Key_B)
        press(bench, Qt.Key.Key_4)
        press(bench, Qt.Key.Key_X)
        press(bench, Qt.Key.Key_Delete)
        assert bench.source.calls == [
            ("move_up", "r12"),
            ("set_urgency", "r12", Urgency.BATCH, None),
            ("set_urgency", "r12", Urgency.BATCH, 4),
            ("cancel", "r12"),
        ]
        press(bench, Qt.Key.Key_Home)
        bench.source.calls.clear()
        press(bench, Qt.Key.Key_U)
        assert bench.source.calls == []  # it is next already

    shown(check)


def test_cancelling_what_has_written_something_is_asked_first(shown):
    async def check(bench) -> None:
        bench.board.list.choose("Running")
        bench.table.choose("r1")
        bench.board.why.cancel_button.click()
        box = bench.page.findChild(QMessageBox)
        assert "Merge overlapping intervals" in box.text()
        assert "320" in box.informativeText()
        assert box.defaultButton().text() == "Let it go on"
        box.reject()
        assert bench.source.calls == []
        await bench.until(lambda: bench.page.findChild(QMessageBox) is None)
        bench.board.why.cancel_button.click()
        box = bench.page.findChild(QMessageBox)
        next(button for button in box.buttons() if button.text() == "Cancel the request").click()
        assert bench.source.calls == [("cancel", "r1")]

    shown(check)


def test_buttons_of_the_explanation(shown):
    def check(bench) -> None:
        bench.table.choose("r13")
        why = bench.board.why
        assert why.cancel_button.accessibleName() == "Cancel Summarise minutes.pdf"
        why.move_button.click()
        why.urgency_button.choices.aboutToShow.emit()
        actions = {action.text(): action for action in why.urgency_button.choices.actions()}
        assert [text for text, action in actions.items() if action.isChecked()] == [
            "Normal, somebody is waiting, but does something else\tN",
            "Level 2, usual\t2",
        ]
        actions["Level 4, first\t4"].trigger()
        assert bench.source.calls == [("move_up", "r13"), ("set_urgency", "r13", Urgency.NORMAL, 4)]
        bench.table.choose("r11")
        assert not why.move_button.isEnabled()
        assert why.move_button.toolTip() == "It is next already."

    shown(check)


def test_the_menu_of_a_row(shown):
    async def check(bench) -> None:
        bench.table.choose("r13")
        bench.table.setFocus()
        press(bench, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
        await bench.until(lambda: any(menu.isVisible() for menu in bench.page.findChildren(QMenu)))
        menu = next(menu for menu in bench.page.findChildren(QMenu) if menu.isVisible())
        texts = [action.text() for action in menu.actions()]
        assert texts[0].startswith("Why?")
        assert "Move up\tU" in texts
        next(action for action in menu.actions() if action.text().startswith("Cancel request")).trigger()
        menu.close()
        assert bench.source.calls == [("cancel", "r13")]

    shown(check)


def test_a_block_of_the_timeline_leads_to_its_request(shown):
    def check(bench) -> None:
        timeline = bench.board.running.timeline
        timeline.resize(timeline.width(), timeline.sizeHint().height())
        [rect] = [rect for block, rect in timeline._rects("cpu", 0, 50) if block.title == "Sample names" and
                  block.kind.word == "answering"]  # fmt: skip
        QTest.mouseClick(timeline, Qt.MouseButton.LeftButton, pos=rect.center().toPoint())
        assert bench.table.selected.id == "r2"
        assert bench.board.list.lists.choice == "Running"
        assert "Runs now" in bench.said(bench.board.why)

    shown(check)


def test_in_a_narrow_window_the_explanation_opens_over_the_page_and_closes_with_escape(shown):
    async def check(bench) -> None:
        bench.window.resize(1024 - 72, 600)
        await bench.until(lambda: not bench.board.why.isVisible())
        bench.page.focus_first()
        press(bench, Qt.Key.Key_Return)
        why = bench.board.why
        assert why.isVisible()
        assert why.geometry().right() == bench.board.width() - 25
        assert why.factors.hasFocus()
        assert "Reply in Ideas for a herb garden" in bench.said(why)
        press(bench, Qt.Key.Key_Escape)
        assert not why.isVisible()
        assert bench.table.hasFocus()
        bench.window.resize(1208, 712)
        await bench.until(why.isVisible)

    shown(check)


def test_orders_without_a_score_show_place_and_reason(shown):
    def check(bench) -> None:
        bench.table.choose("r13")
        said = bench.said(bench.board.why)
        assert "Why third?" in said
        assert "Its model must be loaded first" in said
        assert "Starts: in 21 s" in said
        assert bench.board.list.model.headerData(SCORE, Qt.Orientation.Horizontal) == "Why"
        assert not bench.board.list._legend.isVisible()
        assert bench.page.header.order_button.text() == "Order: first come, first served"

    shown(check, order="fifo", overtaken_at_most_s=0.0, has_scores=False)


def test_order_and_pause_can_be_chosen(shown):
    def check(bench) -> None:
        header = bench.page.header
        actions = {action.text(): action for action in header.order_button.choices.actions()}
        assert len(actions) == 6
        actions["Models in turn"].trigger()
        assert header.order_button.text() == "Order: models in turn"
        width = header.pause_button.width()
        header.pause_button.click()
        assert header.pause_button.text() == "Go on"
        assert header.pause_button.property("kind") == "primary"
        assert "Paused: nothing new begins" in bench.said(header)
        assert header.pause_button.width() >= width
        header.pause_button.click()
        assert bench.source.calls == [("set_order", "round_robin"), ("pause_queue", True), ("pause_queue", False)]

    shown(check)


def test_what_did_not_work_is_said_above(shown):
    def check(bench) -> None:
        bench.source.error = InvalidRequestError("There is no such order.", "Choose another.")
        bench.page.header.order_picked.emit("fifo")
        assert bench.page.banner.message == "There is no such order. Choose another."
        bench.page.set_paused(True)
        assert bench.page.banner.message == ""

    shown(check)


def test_an_empty_queue_says_what_to_do_next(shown):
    def check(bench) -> None:
        wanted: list[str] = []
        bench.page.page_wanted.connect(wanted.append)
        assert bench.board.list.empty.title == "Nothing runs and nothing waits."
        for button in bench.board.list.empty.buttons:
            button.click()
        assert wanted == ["chat", "recognize"]
        bench.source.change(is_paused=True)
        bench.look()
        assert bench.board.list.empty.title == "New work is paused."

    shown(check, requests=(), ended=(), ended_today=0, lanes=())


def test_what_has_finished_is_a_table(shown):
    def check(bench) -> None:
        header = bench.page.header
        assert [button.text() for button in header.views.findChildren(QToolButton)] == ["Live", "Finished today 214"]
        header.views.findChildren(QToolButton)[1].click()
        table = bench.board.finished.table
        assert table.isVisible()
        assert "214 requests today, the latest 102 are listed" in bench.said(bench.board.finished)
        bench.page.focus_first()
        assert table.hasFocus()
        press(bench, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        assert "Request: scan-000.png" in QGuiApplication.clipboard().text()
        chosen = table.selectionModel().selectedRows()[0].row()
        new = replace(bench.source.snapshot.ended[0], id="r900", outcome=Outcome.CANCELLED)
        bench.source.change(ended=(new, *bench.source.snapshot.ended))
        bench.look()
        assert table.selectionModel().selectedRows()[0].row() == chosen + 1
        assert bench.board.finished.model.entry(0).id == "r900"

    shown(check)


def test_many_that_wait_are_counted_and_the_first_are_listed(shown):
    def check(bench) -> None:
        bench.source.change(waiting_count=10_000)
        bench.look()
        said = [button.text() for button in bench.board.list.lists.findChildren(QToolButton)]
        assert said == ["Waiting 10,000", "Running 20"]
        assert "the first 6 are listed" in bench.said(bench.board.list)

    shown(check)


def test_ten_thousand_that_wait_cost_less_than_16_ms_a_look(shown):
    def check(bench) -> None:
        waiting = [replace(bench.controller.waiting[0], id=f"r{1000 + at}", position=at + 1) for at in range(10_000)]
        bench.source.change(requests=tuple(waiting))
        bench.look()
        assert bench.table.verticalScrollBar().maximum() > 500_000
        costs = []
        for _ in range(12):
            waiting = [*waiting[1:], replace(waiting[0], id=f"{waiting[0].id}x")]
            bench.source.change(requests=tuple(waiting))
            begin = time.thread_time()
            bench.look()
            costs.append(time.thread_time() - begin)
        assert sorted(costs)[len(costs) // 2] < 0.016
        painted = []
        delegate = bench.table.itemDelegate()
        original = delegate._paint_number
        delegate._paint_number = lambda *args: (painted.append(1), original(*args))
        bench.table.viewport().repaint()
        assert 1 <= len(painted) <= 20

    shown(check)


def test_every_control_has_a_name_a_size_and_can_be_reached(shown, dressed):
    def check(bench) -> None:
        dressed(bench.appearance)
        QApplication.processEvents()
        for button in (*bench.page.findChildren(QPushButton), *bench.page.findChildren(QToolButton)):
            if button.isVisible():
                assert button.accessibleName() or button.text()
                assert min(button.width(), button.height()) >= 24
                assert button.focusPolicy() & Qt.FocusPolicy.TabFocus or button.parent().focusProxy()
        regions = [part for part in bench.page.findChildren(QWidget) if part.property("region") and part.isVisible()]
        assert len(regions) == 3  # header, list, explanation
        assert bench.board.running.timeline.accessibleDescription().startswith("CPU, 6\u00a0threads: ")
        index = bench.board.list.model.index(0, NUMBER)
        assert "first in the queue" in index.data(Qt.ItemDataRole.AccessibleTextRole)

    shown(check)


@pytest.mark.parametrize("scheme", ["dark", "high-contrast", "high-contrast-light"])
def test_another_theme_repaints_at_once(shown, scheme: str):
    def check(bench) -> None:
        before = bench.board.grab().toImage()
        bench.appearance.choose(scheme)
        assert isinstance(bench.board, Board)
        assert bench.board.grab().toImage() != before
        timeline = bench.board.running.timeline.grab().toImage()
        answering = bench.board.running.timeline._brush.faded("chart-1", 0.24).name()
        found = {timeline.pixelColor(x, 13).name() for x in range(timeline.width())}
        assert answering in found

    shown(check)
