from datetime import date

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLabel, QMessageBox

from app.chat.chats import ChatListModel
from app.chat.composer import Composer
from app.chat.conversation import ChatSummary, TurnState
from app.chat.empty_state import PROMPTS
from app.chat.plain_text import plain_text_of
from engine.errors import OutOfMemoryError

ENDLESS = {"script": ("word ",), "repeat": True, "step_s": 0.001}


def titles(bench) -> list[str]:
    model = bench.controller.shelf.model
    return [model.data(model.index(row)) for row in range(model.rowCount())]


def type_message(bench, text: str) -> None:
    QTest.keyClicks(bench.page.composer.edit, text)
    QTest.keyClick(bench.page.composer.edit, Qt.Key.Key_Return)


def test_an_example_prompt_answers_at_once(bench, run) -> None:
    async def story() -> None:
        async with bench:
            assert bench.page.empty.isVisible()
            bench.page.empty.buttons[0].click()
            await bench.settled()
            assert bench.texts == [PROMPTS[0], "Hello, world."]
            assert bench.page.transcript.isVisible()
            assert not bench.page.empty.isVisible()

    run(story())


def test_enter_sends_and_escape_stops(make_bench, run) -> None:
    async def story() -> None:
        async with make_bench(**ENDLESS) as bench:
            composer = bench.page.composer
            type_message(bench, "Hello")
            assert composer.edit.toPlainText() == ""
            await bench.until(lambda: len(bench.texts) == 2 and bench.session.last.text)
            assert composer._button.text() == "Stop"
            QTest.keyClick(composer.edit, Qt.Key.Key_Escape)
            await bench.settled()
            assert bench.session.last.state is TurnState.STOPPED
            assert composer._button.text() == "Send"

    run(story())


def test_a_message_written_meanwhile_is_sent_when_the_answer_ends(make_bench, run) -> None:
    async def story() -> None:
        async with make_bench(**ENDLESS) as bench:
            type_message(bench, "one")
            await bench.until(lambda: len(bench.texts) == 2 and bench.session.last.text)
            type_message(bench, "two")
            assert bench.page.composer.is_armed
            bench.backend.repeat, bench.backend.script = False, ("done",)
            await bench.until(lambda: len(bench.session.transcript.turns) == 4)
            await bench.settled()
            assert (bench.texts[2], bench.page.composer.edit.toPlainText()) == ("two", "")

    run(story())


def test_stopping_keeps_the_message_that_was_handed_over(make_bench, run) -> None:
    async def story() -> None:
        async with make_bench(**ENDLESS) as bench:
            type_message(bench, "one")
            await bench.until(lambda: len(bench.texts) == 2 and bench.session.last.text)
            type_message(bench, "two")
            bench.page.composer.stop_requested.emit()
            await bench.settled()
            assert (len(bench.texts), bench.page.composer.edit.toPlainText()) == (2, "two")

    run(story())


def test_a_failed_answer_keeps_the_message_that_was_handed_over(bench, run) -> None:
    async def story() -> None:
        async with bench:
            bench.controller.send("word " * 5000)
            type_message(bench, "two")
            await bench.settled()
            assert bench.page.composer.edit.toPlainText() == "two"

    run(story())


def test_chats_are_listed_opened_renamed_deleted_and_restored(bench, run) -> None:
    async def story() -> None:
        async with bench:
            await bench.ask("First chat")
            first = bench.session.id
            bench.page.new_chat()
            await bench.ask("Second chat")
            await bench.until(lambda: titles(bench) == ["Today", "Second chat", "First chat"])
            bench.page.pane.chosen.emit(first)
            await bench.until(lambda: bench.session.id == first)
            assert bench.texts == ["First chat", "Hello, world."]
            model = bench.controller.shelf.model
            assert model.setData(model.index_of(first), "  Renamed  chat ")
            assert bench.session.title == "Renamed chat"
            bench.page._on_delete()
            await bench.until(lambda: titles(bench) == ["Today", "Second chat"])
            assert bench.texts == []
            assert bench.page.toast.isVisible()
            bench.page.toast.button.click()
            await bench.until(lambda: titles(bench) == ["Today", "Second chat", "Renamed chat"])

    run(story())


def test_search_looks_into_messages(bench, run) -> None:
    async def story() -> None:
        async with bench:
            await bench.ask("About herbs: basil")
            bench.page.new_chat()
            await bench.ask("About trees")
            await bench.until(lambda: len(titles(bench)) == 3)
            QTest.keyClicks(bench.page.pane.search, "basil")
            await bench.until(lambda: titles(bench) == ["Today", "About herbs: basil"])
            bench.page.pane.search.setText("nothing says this")
            await bench.until(lambda: titles(bench) == [])
            assert bench.page.pane._nothing.isVisible()

    run(story())


def test_the_list_folds_where_there_is_no_room(bench, run) -> None:
    async def story() -> None:
        async with bench:
            page = bench.page
            assert page.pane.isVisible()
            page.resize(1000, 700)
            assert not page.pane.isVisible()
            page.toggle_list()
            assert page.pane.isVisible()
            page.toggle_list()
            assert not page.pane.isVisible()
            page.find_chat()
            assert page.pane.isVisible()

    run(story())


def test_copying(bench, run) -> None:
    async def story() -> None:
        async with bench:
            bench.backend.script = ("**Bold** word\n\n```python\nx = 1\n```",)
            await bench.ask("Hi")
            clipboard = QGuiApplication.clipboard()
            bench.page.copy_last_answer()
            assert clipboard.text() == bench.backend.script[0]
            bench.page._on_line_action(bench.session.last.id, "plain")
            assert clipboard.text() == "Bold word\n\nx = 1"
            bench.page._on_copy_chat()
            assert clipboard.text().startswith("**You**\n\nHi\n\n**starter**\n\n**Bold**")

    run(story())


def test_a_link_is_shown_before_it_is_opened(bench, run) -> None:
    async def story() -> None:
        async with bench:
            bench.page.transcript.link_pressed.emit("https://example.org/a?b=c")
            box = bench.page.findChild(QMessageBox)
            assert box.informativeText() == "https://example.org/a?b=c"
            assert box.defaultButton().text() == "Stay here"
            box.reject()

    run(story())


def test_an_answer_is_announced_once(make_bench, run, monkeypatch) -> None:
    announced = []
    monkeypatch.setattr(QAccessible, "updateAccessibility", lambda event: announced.append(event.message()))

    async def story() -> None:
        async with make_bench(script=tuple("many small pieces of text ")) as bench:
            await bench.ask("Hi")
        assert announced == ["Answer: many small pieces of text "]

    run(story())


def test_every_control_has_a_name(bench, run) -> None:
    async def story() -> None:
        async with bench:
            await bench.ask("Hi")
            buttons = [button for button in bench.page.findChildren(QAbstractButton) if button.isVisible()]
            nameless = [button for button in buttons if not (button.accessibleName() or button.text())]
            assert nameless == []
            assert len(buttons) > 5

    run(story())


def test_context_and_pickers_say_what_is_chosen(bench, run) -> None:
    async def story() -> None:
        async with bench:
            composer = bench.page.composer
            assert "on disk" in composer.model.accessibleName()
            await bench.ask("one two three")
            assert composer._used.text() == "7 of 64"
            assert "on CPU" in composer.model.accessibleName()
            composer.model.picked.emit("plain")
            assert "not made to chat" in composer._hint.text()
            composer.preset.picked.emit("Creative")
            assert "Creative" in composer.preset.accessibleName()

    run(story())


def test_the_composer_grows_to_its_limit(appearance, qtbot) -> None:
    composer = Composer(appearance)
    qtbot.addWidget(composer)
    composer.resize(720, 88)
    composer.show()
    assert composer.height() == 88
    composer.edit.setPlainText("\n".join("line" for _ in range(4)))
    assert 88 < composer.height() < 240
    composer.edit.setPlainText("\n".join("line" for _ in range(60)))
    assert composer.height() == 240
    composer.edit.clear()
    assert composer.height() == 88


def test_a_hint_takes_no_room_from_the_text(appearance, qtbot) -> None:
    composer = Composer(appearance)
    qtbot.addWidget(composer)
    composer.resize(720, 88)
    composer.show()
    before = composer.edit.height()
    composer.show_hint("This model continues text.")
    qtbot.waitUntil(lambda: composer.edit.height() == before)
    assert composer.height() == 108
    composer.show_busy(True)
    composer.edit.setPlainText("next")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert composer._hint.text().startswith("Sent when")
    composer.escape()
    assert composer._hint.text() == "This model continues text."


def test_shift_enter_begins_a_line_and_blank_cannot_be_sent(appearance, qtbot) -> None:
    composer = Composer(appearance)
    qtbot.addWidget(composer)
    sent = []
    composer.sent.connect(sent.append)
    QTest.keyClick(composer.edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert (composer.edit.toPlainText(), sent, composer._button.isEnabled()) == ("\n", [], False)
    QTest.keyClicks(composer.edit, "x")
    QTest.keyClick(composer.edit, Qt.Key.Key_Return)
    assert sent == ["\nx"]


def test_the_list_model_keeps_qts_rules(qapp, qtmodeltester) -> None:
    model = ChatListModel()
    day = 86_400.0
    chats = [ChatSummary(id=n, title=f"Chat {n}", model="m", updated_s=400 * day - n * day) for n in range(1, 6)]
    model.show_chats(chats, date.fromtimestamp(399 * day))
    qtmodeltester.check(model)
    rows = [model.data(model.index(row)) for row in range(model.rowCount())]
    assert rows == ["Today", "Chat 1", "Yesterday", "Chat 2", "Earlier", "Chat 3", "Chat 4", "Chat 5"]
    assert model.flags(model.index(0)) == Qt.ItemFlag.NoItemFlags
    assert not model.setData(model.index(1), "   ")
    assert not model.setData(model.index(0), "x")
    assert not model.setData(QModelIndex(), "x")
    assert model.index_of(99).row() == -1


@pytest.mark.parametrize(("markdown", "plain"), [("**a** `b`", "a b"), ("```\nx *y*\n```", "x *y*"), ("", "")])
def test_plain_text(qapp, markdown: str, plain: str) -> None:
    assert plain_text_of(markdown) == plain


def test_a_model_that_does_not_fit_is_said_whole_and_the_memory_is_one_press_away(make_bench, run) -> None:
    cause = "A model of 43.1 GB and its context of 1.2 GB need 44.3 GB, but of 16.0 GB of memory 9.6 GB are free." * 3
    remedy = "Choose a smaller context; a smaller quantisation would fit; or allow it 20 GB in the settings." * 3

    async def story() -> None:
        async with make_bench(load_error=OutOfMemoryError(cause, remedy)) as bench:
            wanted = []
            bench.page.memory_wanted.connect(lambda: wanted.append(True))
            bench.controller.send("Hi")
            await bench.settled()
            banner = bench.page.banner
            assert banner.message == f"{cause} {remedy}"
            await bench.until(lambda: banner.height() >= banner.heightForWidth(banner.width()) > 40)
            shown = [label.text() for label in banner.findChildren(QLabel) if label.isVisible()]
            assert {cause, remedy} <= set(shown)
            assert (banner._button.text(), banner._other.text()) == ("Try again", "Set the memory")
            banner._other.click()
            assert (wanted, banner.isVisible()) == ([True], False)

    run(story())
