"""The tasks page: choose, fill in, run, watch, cancel, copy, save."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QTableView

from app.task_runs.run import RunState, duration_words
from app.theme.widgets import Banner
from engine import Field, PluginError


def keys(page):
    return [row.key for row in page.task_list.rows]


def test_a_run_streams_then_shows_everything_that_came_out(run, bench):
    async def story() -> None:
        async with bench:
            page, shout = bench.page, bench.shout
            page.show_task("shout")
            shout.go_on.clear()
            page.form_pane.fill({"text": "quiet please"})
            QTest.mouseClick(page.form_pane.run_button, Qt.MouseButton.LeftButton)
            await bench.until(lambda: page.run_pane.run and page.run_pane.run.fraction == 0.5)
            assert page.run_pane.cards["loud"].text == "QUIET PLEASE "
            assert not page.form_pane.run_button.isEnabled()
            assert page.run_pane.cancel_button.isVisible()
            assert "Cancel Shout quiet please" in page.run_pane.cancel_button.accessibleName()
            shout.go_on.set()
            await bench.settled()
            pane = page.run_pane
            assert list(pane.cards) == ["loud", "words", "count"]
            assert pane.cards["loud"].text.startswith("# QUIET PLEASE")
            assert pane.cards["words"].text == "Word\tLetters\nquiet\t5\nplease\t6"
            assert pane.cards["words"].findChild(QTableView).model().rowCount() == 2
            assert pane.cards["count"].text == "2"
            assert not pane.cancel_button.isVisible()
            assert page.form_pane.run_button.isEnabled()
            assert page.run_list.rows[0].detail.startswith("Done in")

    run(story())


def test_a_failure_says_cause_and_remedy_and_keeps_what_came(run, bench):
    async def story() -> None:
        async with bench:
            bench.page.show_task("fail")
            bench.page.form_pane.run()
            await bench.settled()
            assert bench.controller.runs[0].state is RunState.FAILED
            banner = bench.page.run_pane.findChild(Banner)
            assert banner.message == "The paper is empty. Write something on it."
            assert bench.page.run_pane.cards["notes"].text == "First of all, "
            banner.pressed.emit()  # run again
            await bench.settled()
            assert len(bench.controller.runs) == 2

    run(story())


def test_the_details_of_a_broken_plugin_can_be_copied(run, bench):
    async def story() -> None:
        async with bench:

            class Broken(type(bench.shout)):
                id, title, inputs = "broken", "Broken", ()

                def run(self, inputs, context):
                    raise PluginError("tests", "It broke.", "Mend it.", "Traceback: line 1")

            bench.put("more", Broken())
            await bench.until(lambda: "broken" in keys(bench.page))
            bench.page.show_task("broken")
            bench.page.form_pane.run()
            await bench.settled()
            bench.page.run_pane._details.click()
            assert QGuiApplication.clipboard().text() == "It broke. Mend it.\n\nTraceback: line 1"

    run(story())


def test_closing_in_the_middle_of_a_run_ends_it(run, bench):
    async def story() -> None:
        async with bench:
            bench.page.show_task("shout")
            bench.shout.go_on.clear()
            bench.page.form_pane.fill({"text": "for ever"})
            bench.page.form_pane.run()
            await bench.until(lambda: bench.controller.runs[0].fraction == 0.5)
            await bench.tasks.close()
            assert bench.controller.runs[0].state is RunState.CANCELLED

    run(story())


def test_new_text_stays_in_sight_until_the_person_scrolls_away(run, bench):
    async def story() -> None:
        async with bench:
            page = bench.page
            page.show_task("shout")
            bench.shout.go_on.clear()
            page.form_pane.fill({"text": "many words " * 2000})
            page.form_pane.run()
            bar = page.run_pane._area.verticalScrollBar()
            await bench.until(lambda: bar.maximum() > 500 and page.run_pane.is_settled and bar.value() == bar.maximum())
            bar.setValue(0)
            page.run_pane.grow(page.run_pane.run, "loud", "more " * 500)
            before = bar.maximum()
            await bench.until(lambda: bar.maximum() > before)
            assert bar.value() == 0

    run(story())


def test_cancel_ends_a_run_and_the_keyboard_comes_back_to_run(run, bench, qtbot):
    async def story() -> None:
        async with bench:
            page = bench.page
            with qtbot.waitActive(page):
                page.activateWindow()
            page.show_task("shout")
            bench.shout.go_on.clear()
            page.form_pane.fill({"text": "for ever"})
            page.form_pane.run_button.setFocus()
            QTest.keyClick(page.form_pane.run_button, Qt.Key.Key_Space)
            assert page.run_pane.cancel_button.hasFocus()
            QTest.keyClick(page.run_pane.cancel_button, Qt.Key.Key_Space)
            await bench.settled()
            assert bench.controller.runs[0].state is RunState.CANCELLED
            assert page.form_pane.run_button.hasFocus()

    run(story())


def test_what_is_missing_is_marked_instead_of_run(run, bench):
    async def story() -> None:
        async with bench:
            bench.page.show_task("shout")
            bench.page.form_pane.run()
            assert bench.controller.runs == []
            assert bench.page.form_pane.form.input_of("text").target().property("invalid") is True

    run(story())


def test_a_run_goes_on_while_another_task_is_looked_at(run, bench):
    async def story() -> None:
        async with bench:
            page = bench.page
            page.show_task("shout")
            bench.shout.go_on.clear()
            page.form_pane.fill({"text": "one two"})
            page.form_pane.run()
            page.show_task("fail")
            assert page.run_pane.run is None
            page.form_pane.run()
            await bench.until(lambda: bench.controller.runs[0].state is RunState.FAILED)
            bench.shout.go_on.set()
            await bench.settled()
            page.run_list.picked.emit(bench.controller.runs[1])
            assert page.form_pane.task.id == "shout"
            assert page.form_pane.form.values()["text"] == "one two"
            await bench.settled()
            assert page.run_pane.cards["count"].text == "2"

    run(story())


def test_tasks_come_and_go_with_their_plugins(run, bench):
    async def story() -> None:
        async with bench:
            page = bench.page
            page.show_task("fail")

            class Other(type(bench.shout)):
                id = "whisper"
                title = "Whisper"
                inputs = (Field(name="text", title="Text"),)

            bench.put("more", Other())
            await bench.until(lambda: "whisper" in keys(page))
            assert page.form_pane.task.id == "fail"
            bench.engine._registry.drop("tests")
            bench.put("more", Other())
            await bench.until(lambda: "fail" not in keys(page))
            assert page.form_pane.task.id == keys(page)[0]
            for plugin in list(bench.engine._registry._offers):
                bench.put(plugin)
            await bench.until(lambda: keys(page) == [])
            assert not page.form_pane.isVisible()

    run(story())


def test_results_are_copied_and_saved(run, bench, tmp_path):
    async def story() -> None:
        async with bench:
            page = bench.page
            page.show_task("shout")
            page.form_pane.fill({"text": 'say "a, b"'})
            page.form_pane.run()
            await bench.settled()
            cards = page.run_pane.cards
            cards["loud"].copy_requested.emit(cards["loud"].text)
            assert QGuiApplication.clipboard().text() == cards["loud"].text
            saved = []
            cards["words"].save_requested.connect(lambda name, content: saved.append((name, content)))
            page.run_pane.save_requested.disconnect(page._save)
            cards["words"]._save.click()
            [(name, content)] = saved
            assert name == "words.csv"
            page.save_to(cards["words"], tmp_path / name, content)
            await bench.until(lambda: cards["words"]._said.text() == "Saved as words.csv")
            assert (tmp_path / name).read_text() == 'Word,Letters\nsay,3\n"""a,",3\n"b""",2\n'
            page.save_to(cards["words"], tmp_path / "no" / name, content)
            await bench.until(lambda: "could not be written" in cards["words"]._said.text())

    run(story())


def test_every_control_is_named(run, bench):
    async def story() -> None:
        async with bench:
            bench.page.show_task("shout")
            bench.page.form_pane.fill({"text": "hello"})
            bench.page.form_pane.run()
            await bench.settled()
            for widget in bench.page.findChildren(type(bench.page.form_pane.run_button)):
                assert widget.text() or widget.accessibleName() or not widget.isVisible()
            assert bench.page.task_list.accessibleName()

    run(story())


def test_times_are_said_as_people_do():
    assert duration_words(0.18) == "180\u00a0ms"
    assert duration_words(3.21) == "3.2\u00a0s"
    assert duration_words(125) == "2\u00a0min 5\u00a0s"


def test_a_run_by_key_leaves_the_keyboard_in_the_field(run, bench, qtbot):
    async def story() -> None:
        async with bench:
            page = bench.page
            with qtbot.waitActive(page):
                page.activateWindow()
            page.show_task("shout")
            page.form_pane.fill({"text": "again and again"})
            page.form_pane.focus_first()
            field = QGuiApplication.focusObject()
            assert page.form_pane.form.isAncestorOf(field)
            for _ in range(2):
                page.form_pane.run()
                await bench.settled()
                assert field.hasFocus()

    run(story())


def test_why_a_run_failed_stays_when_its_task_is_gone(run, bench):
    async def story() -> None:
        async with bench:
            page, other = bench.page, type(bench.shout)()
            other.id = "whisper"
            bench.put("more", other)
            await bench.until(lambda: "whisper" in keys(page))
            page.show_task("fail")
            page.form_pane.run()
            await bench.settled()
            bench.engine._registry.drop("tests")
            bench.put("more", other)
            await bench.until(lambda: "fail" not in keys(page))
            assert page.form_pane.task.id == keys(page)[0]
            assert page.run_pane.run.task.id == "fail"
            assert page.run_pane.findChild(Banner).isVisible()

    run(story())
