"""The tray: rows that stay while their jobs go on, and what can be done with them."""

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.models.jobs_controller import JobsController
from app.models.jobs_tray import JobsTray
from app.theme.widgets import ChoiceDialog
from engine import JobError, JobKind, JobState, JobUnit
from tests.app.models.finds import MB, FakeHub, Stage, job


class TrayStage(Stage):
    """A tray at the foot of a window."""

    def __init__(self, hub: FakeHub) -> None:
        super().__init__()
        self.hub = hub
        self.controller = JobsController(hub, self.tasks)
        self.ended: list[Any] = []
        self.failed: list[tuple[str, str]] = []
        self.controller.ended.connect(self.ended.append)
        self.controller.failed.connect(lambda *words: self.failed.append(words))
        self.tray = JobsTray(self.appearance, self.controller)
        room = QWidget()
        column = QVBoxLayout(room)
        column.addStretch(1)
        column.addWidget(self.tray)
        self.show(room, 800, 600)
        self.closers.append(self.controller.close)
        self.closers.append(lambda: self.controller.watch(False))

    async def __aenter__(self) -> "TrayStage":
        self.controller.watch(True)
        await self.settled()
        return self

    def row(self, number: int) -> Any:
        return self.tray.rows[number]


@pytest.fixture
def staged(run: Callable[..., None], dressed: Callable[..., None]) -> Callable[..., None]:
    """Run a check on a tray with these jobs."""

    def show(check: Callable[[TrayStage], Any], *jobs: Any) -> None:
        async def body() -> None:
            hub = FakeHub()
            hub.board = {each.id: each for each in jobs}
            stage = TrayStage(hub)
            dressed(stage.appearance)
            async with stage:
                await check(stage)

        run(body())

    return show


def test_it_is_hidden_until_there_is_something(staged):
    async def check(stage) -> None:
        assert not stage.tray.isVisible()
        stage.hub.board[1] = job(1)
        stage.controller.look()
        assert stage.tray.isVisible()
        assert stage.tray.summary == "1 running · 31\u00a0MB/s · 212\u00a0GB free on disk"
        stage.hub.board.clear()
        stage.controller.look()
        assert not stage.tray.isVisible()

    staged(check)


def test_a_row_stays_the_same_widget_and_does_not_move_while_its_job_goes_on(staged):
    async def check(stage) -> None:
        row, place = stage.row(1), stage.row(1).geometry()
        bar = row.bar.geometry()
        for done in (1_500, 1_999, 2_380):
            stage.hub.board[1] = job(1, done=done * MB, left_s=3.0)
            stage.controller.look()
            await stage.until(lambda: True)
        assert stage.row(1) is row
        assert row.geometry() == place
        assert row.bar.geometry() == bar
        assert "2.38 of 2.39\u00a0GB · 3\u00a0s left" in stage.said(row)

    staged(check, job(1), job(2, JobState.PAUSED))


def test_pause_and_resume(staged):
    async def check(stage) -> None:
        stage.row(1).pause_button.click()
        await stage.until(lambda: stage.controller.job(1).state is JobState.PAUSED)
        assert not stage.row(1).pause_button.isVisible()
        assert stage.row(1).bar.parts[0].role == "chart-8"
        stage.row(1).resume_button.click()
        await stage.until(lambda: stage.controller.job(1).state is JobState.RUNNING)
        assert stage.hub.calls == [("pause", 1), ("resume", 1)]

    staged(check, job(1))


def test_all_of_them_are_paused_and_resumed_at_once(staged):
    async def check(stage) -> None:
        assert stage.tray.pause_button.text() == "Pause all"
        stage.tray.pause_button.click()
        await stage.until(lambda: stage.tray.pause_button.text() == "Resume all")
        assert stage.hub.calls == [("pause", 1), ("pause", 3)]  # what cannot be paused goes on
        await stage.settled()
        stage.tray.pause_button.click()
        await stage.until(lambda: stage.controller.job(3).state is JobState.RUNNING)

    staged(check, job(1), job(2, can_pause=False), job(3, JobState.WAITING))


def test_cancelling_asks_if_much_would_be_lost(staged):
    async def check(stage) -> None:
        stage.row(2).cancel_button.click()  # hardly begun
        await stage.until(lambda: 2 not in stage.tray.rows)
        stage.row(1).cancel_button.click()
        dialog = stage.dialog(ChoiceDialog)
        assert "1.46\u00a0GB have been fetched" in stage.said(dialog)
        dialog.reject()
        await stage.settled()
        assert 1 in stage.tray.rows
        stage.row(1).cancel_button.click()
        stage.dialog(ChoiceDialog).accept()
        await stage.until(lambda: not stage.tray.isVisible())
        assert stage.hub.calls == [("cancel", 2), ("cancel", 1)]

    staged(check, job(1), job(2, done=1000))


def test_a_failed_job_says_why_in_full_and_can_be_tried_again(staged):
    error = "The hub sent 12 bytes less than it said for a file with a long name, twice, and closed the connection."
    failed = job(1, JobState.FAILED, error=error, remedy="Try again; what is here is kept.")

    async def check(stage) -> None:
        row = stage.row(1)
        assert error in stage.said(row)
        assert "Try again; what is here is kept." in stage.said(row)
        assert row.height() == row.heightForWidth(row.width()) > 49  # two lines of it
        assert not row.bar.isVisible()
        row.retry_button.click()
        await stage.until(lambda: stage.controller.job(1).state is JobState.RUNNING)
        await stage.until(lambda: row.height() == 49)

    staged(check, failed)


def test_a_job_that_is_done_is_told_opened_and_dismissed(staged):
    async def check(stage) -> None:
        opened = []
        stage.tray.open_wanted.connect(opened.append)
        stage.hub.board[1] = job(1, JobState.DONE, result="/models/phi.gguf")
        stage.controller.look()
        assert [each.id for each in stage.ended] == [1]
        stage.controller.look()
        assert len(stage.ended) == 1
        stage.row(1).open_button.click()
        assert opened == ["/models/phi.gguf"]
        assert stage.row(1).cancel_button.accessibleName() == "Remove Phi-3.5 mini Instruct from this list"
        stage.controller.dismiss_done()
        await stage.until(lambda: not stage.tray.isVisible())
        assert stage.hub.calls == [("cancel", 1)]

    staged(check, job(1))


def test_the_menu_limits_the_speed_and_goes_offline(staged):
    async def check(stage) -> None:
        menu = stage.tray.menu
        menu.show_state()
        words = [action.text() for action in menu.limits.actions()]
        assert words[0] == "As fast as it goes"
        menu.limits.actions()[words.index("5.0\u00a0MB/s")].trigger()
        await stage.until(lambda: ("limit", 5 * MB) in stage.hub.calls)
        menu.offline.trigger()
        await stage.until(lambda: "offline" in stage.tray.summary)
        menu.show_state()
        assert [action.text() for action in menu.limits.actions() if action.isChecked()] == ["5.0\u00a0MB/s"]
        assert menu.offline.isChecked()

    staged(check, job(1))


def test_it_folds_to_its_head(staged):
    async def check(stage) -> None:
        await stage.until(lambda: stage.tray.height() == 42 + 49)
        stage.tray.fold_button.click()
        await stage.until(lambda: stage.tray.height() == 42)
        assert not stage.row(1).isVisible()
        assert stage.tray.fold_button.accessibleName() == "Show the list"
        stage.tray.fold_button.click()
        await stage.until(lambda: stage.tray.height() == 42 + 49)

    staged(check, job(1))


def test_what_does_not_work_is_said(staged):
    async def check(stage) -> None:
        stage.hub.error = JobError("There is no job 1.", "Look again.")
        stage.row(1).pause_button.click()
        await stage.until(lambda: stage.failed)
        assert stage.failed == [("There is no job 1.", "Look again.")]

    staged(check, job(1))


def test_another_program_that_looks_after_the_jobs_is_a_note_and_no_failure(staged):
    async def check(stage) -> None:
        stage.hub.error = JobError("Another program of Hearth looks after them.", "Close it first.")
        stage.controller.open()
        await stage.until(lambda: stage.controller.note)
        assert "Another program of Hearth looks after them." in stage.said(stage.tray)
        assert stage.failed == []

    staged(check, job(1))


def test_it_is_reached_and_used_by_keys_alone(staged):
    async def check(stage) -> None:
        row = stage.row(1)
        row.pause_button.setFocus(Qt.FocusReason.TabFocusReason)
        QTest.keyClick(row.pause_button, Qt.Key.Key_Space)
        await stage.until(lambda: stage.controller.job(1).state is JobState.PAUSED)
        for button in row.buttons:
            assert button.accessibleName()
            assert button.height() >= 28
            if button.isVisible():
                assert button.focusPolicy() & Qt.FocusPolicy.TabFocus

    staged(check, job(1))


def test_nobody_looks_while_nothing_runs_and_nobody_sees_it(staged):
    async def check(stage) -> None:
        timer = stage.controller._timer
        assert timer.isActive()
        stage.controller.watch(False)
        assert not timer.isActive()
        stage.controller.open()
        await stage.settled()
        assert not timer.isActive()
        stage.hub.board[2] = job(2)
        stage.controller.look()
        assert timer.isActive()
        assert timer.interval() >= 1_000
        stage.hub.board[2] = job(2, JobState.DONE)
        stage.controller.look()
        assert not timer.isActive()

    staged(check, job(1, JobState.PAUSED))


def test_twenty_jobs_cost_no_frame(staged):
    kinds = list(JobKind)

    async def check(stage) -> None:
        best = 1.0
        for step in range(10):
            for number, each in stage.hub.board.items():
                stage.hub.board[number] = replace(each, done=each.done + 1 + step)
            begin = perf_counter()
            stage.controller.look()
            best = min(best, perf_counter() - begin)
            await stage.until(lambda: True)
        assert best < 0.016

    jobs = [job(number, kind=kinds[number % 4], unit=JobUnit.BYTES, title=f"Model {number}") for number in range(20)]
    staged(check, *jobs)
