"""The page: every number in words, every control by keyboard, and nothing deleted without a question."""

from dataclasses import replace

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget

from app.preferences.memory_card import AUTOMATIC, OWN
from app.theme.widgets import ChoiceDialog
from engine import CacheInfo, CacheTierInfo

GIB, MIB = 1 << 30, 1 << 20
NOTHING = CacheTierInfo(entries=0, size_bytes=0, limit_bytes=0, hits=0)


def test_before_the_engine_is_open_the_page_says_so(run, make_bench) -> None:
    async def body() -> None:
        bench = make_bench()
        bench.window.show()
        assert "not running yet" in bench.said(bench.page)
        bench.controller.open()
        await bench.until(lambda: "Memory for models" in bench.said(bench.page))
        assert "not running yet" not in bench.said(bench.page)
        await bench.__aexit__()

    run(body())


def test_all_numbers_are_words(shown) -> None:
    def check(bench) -> None:
        said = bench.said(bench.page)
        for words in (
            "7.6 of 16 GB used",
            "qwen2.5-7b",
            "4.4 GB",
            "Other programs",
            "1,834 answers",
            "38 %",
            "4 min 12 s",
            "312 MB",
            "840 MB",
            "18,400 tokens",
            "leave free, 10 GB just now",
            str(bench.settings_file),
        ):
            assert words in said
        bar = bench.board.memory.bar
        assert "models may take 10 GB" in bar.accessibleDescription().replace("\u00a0", " ")
        assert bar._limit == 10 / 16
        disk = bench.board.answers.disk
        assert disk.bar.accessibleDescription().replace("\u00a0", " ") == "kept answers take 312 MB of 1.0 GB"
        assert abs(disk.bar.parts[0].share - 0.312) < 1e-6

    shown(check)


def test_a_budget_of_ones_own_is_chosen_moved_and_taken_back(shown) -> None:
    async def check(bench) -> None:
        card = bench.board.memory
        assert (card.mode.choice, card.slider.isEnabled(), card.box.value()) == (AUTOMATIC, False, 10.0)
        assert OWN in card.box.toolTip()
        card.mode.setFocus()
        QTest.keyClick(card.mode.focusWidget() or card.mode, Qt.Key.Key_Right)
        assert (card.mode.choice, card.slider.isEnabled()) == (OWN, True)
        assert bench.controller.limits.memory_budget_bytes == 10 * GIB
        card.slider.setFocus()
        QTest.keyClick(card.slider, Qt.Key.Key_Left)
        assert bench.controller.limits.memory_budget_bytes == 39 * GIB // 4
        await bench.applied()
        assert bench.source.now.memory_budget_bytes == 39 * GIB // 4
        assert card.box.value() == 9.8
        assert "All models together may take 9.8 GB" in bench.said(card)
        card.mode.picked.emit(AUTOMATIC)
        await bench.applied()
        assert bench.source.now.memory_budget_bytes is None

    shown(check)


def test_a_number_is_typed_and_taken_with_enter_only(shown) -> None:
    async def check(bench) -> None:
        box = bench.board.answers.disk.box
        box.setFocus()
        box.selectAll()
        QTest.keyClicks(box, "12")
        bench.controller.refresh()  # numbers that move elsewhere leave alone what is being typed
        assert box.text().startswith("12")
        assert bench.controller.limits.cache_disk_bytes == 1_000_000_000
        QTest.keyClick(box, Qt.Key.Key_Return)
        assert bench.controller.limits.cache_disk_bytes == 12_000_000_000
        memory = bench.board.answers.memory.box
        memory.setValue(0)
        assert (memory.text(), bench.controller.limits.cache_memory_bytes) == ("none", 0)
        bench.board.prompts.disk.box.stepUp()
        assert bench.controller.limits.prefix_disk_bytes == 2_500_000_000
        await bench.applied()
        assert bench.source.now == bench.controller.limits

    shown(check)


def test_the_wheel_changes_no_setting(shown) -> None:
    def check(bench) -> None:
        bench.controller.set_limits(replace(bench.controller.limits, memory_budget_bytes=4 * GIB))
        board = bench.board
        controls = (board.memory.slider, board.memory.box, board.answers.disk.box, board.looks.themes)
        before = bench.controller.limits, board.looks.themes.currentIndex()
        for control in controls:
            middle = QPointF(control.rect().center())
            event = QWheelEvent(
                middle,
                QPointF(control.mapToGlobal(control.rect().center())),
                QPoint(),
                QPoint(0, -120),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            QApplication.sendEvent(control, event)
        assert (bench.controller.limits, board.looks.themes.currentIndex()) == before

    shown(check)


def test_kept_answers_are_deleted_after_a_question_whose_safe_answer_has_the_focus(shown) -> None:
    async def check(bench) -> None:
        bench.board.answers.delete.click()
        dialog = bench.page.findChild(ChoiceDialog)
        await bench.until(dialog.isVisible)
        await bench.until(dialog.safe_button.hasFocus)
        assert "1,834 answers, 312 MB" in bench.said(dialog)
        dialog.reject()
        assert bench.source.calls == []
        bench.page.ask_to_delete_answers().yes_button.click()
        await bench.until(lambda: bench.source.calls == [("clear", True, False)] and not bench.controller.is_clearing)
        assert not bench.board.answers.delete.isEnabled()
        assert bench.board.answers.delete.toolTip() == "Nothing is kept yet."
        bench.page.ask_to_delete_prompts().yes_button.click()
        await bench.until(lambda: bench.source.calls[1:] == [("clear", False, True)])
        await bench.until(lambda: not bench.controller.is_clearing)

    shown(check)


def test_trouble_with_the_disk_is_said_until_it_is_closed_or_over(shown, full_cache: CacheInfo) -> None:
    def check(bench) -> None:
        card = bench.board.answers
        assert card.trouble.isVisible()
        assert card.trouble.message.startswith("The disk is full. Answers are kept in memory only")
        card.trouble._on_close()
        bench.controller.refresh()
        assert not card.trouble.isVisible()
        bench.source.kept = replace(bench.source.kept, trouble="The disk is broken.")
        bench.controller.refresh()
        assert card.trouble.isVisible()
        bench.source.kept = full_cache
        bench.controller.refresh()
        assert not card.trouble.isVisible()

    shown(check, kept=replace(full_cache, trouble="The disk is full."))


def test_an_empty_cache_and_a_machine_without_numbers(shown) -> None:
    def check(bench) -> None:
        said = bench.said(bench.page)
        assert "0 answers" in said
        assert not bench.board.prompts.delete.isEnabled()
        assert [row.isVisible() for row in bench.board.memory.rows] == [False] * len(bench.board.memory.rows)

    shown(check, kept=CacheInfo(memory=NOTHING, disk=NOTHING, prefixes=NOTHING), latest=None, models=())


def test_the_theme_is_chosen_here_and_followed_from_elsewhere(shown) -> None:
    def check(bench) -> None:
        themes = bench.board.looks.themes
        assert themes.currentData() == "light"
        themes.setFocus()
        QTest.keyClick(themes, Qt.Key.Key_Down)
        assert bench.appearance.setting == "dark"
        bench.appearance.choose("high-contrast")
        assert themes.currentText() == "High contrast, dark"

    shown(check)


def test_everything_that_can_be_pressed_has_a_name_and_room(shown, dressed) -> None:
    async def check(bench) -> None:
        dressed(bench.appearance)
        await bench.until(lambda: bench.board.answers.delete.height() >= 28)
        board = bench.board
        boxes = (board.memory.box, board.answers.memory.box, board.answers.disk.box, board.prompts.disk.box)
        buttons = [button for button in bench.page.findChildren(QAbstractButton) if button.isVisible()]
        for control in (*buttons, *boxes, board.memory.slider, board.looks.themes):
            assert isinstance(control, QWidget)
            assert control.accessibleName() or control.parent().accessibleName(), control
        assert len({box.accessibleName() for box in boxes}) == len(boxes)
        assert all(box.height() >= 28 for box in boxes)

    shown(check)


def test_a_look_costs_little(shown) -> None:
    from time import perf_counter

    def check(bench) -> None:
        took = []
        for number in range(20):
            bench.source.kept = replace(bench.source.kept, hits=number, saved_s=float(number))
            begin = perf_counter()
            bench.controller.refresh()
            took.append(perf_counter() - begin)
        assert sorted(took)[10] < 0.016

    shown(check)
