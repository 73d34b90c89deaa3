"""Thinking and tools: what is asked, what is called, what is told to the model, and what is kept."""

import sqlite3
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from app.chat.answerer import MAX_ROUNDS
from app.chat.conversation import Call, CallState, Role, Turn, TurnState, messages_of
from app.chat.database import ChatDatabase
from app.chat.transcript.call_card import CallCard
from app.chat.transcript.thought_block import ThoughtBlock
from engine import EngineError, ToolCall, ToolSpec
from engine.plugins.offers import Offers

NUMBERS = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"]}


class Add:
    """Adds, then lets the scripted model answer in words."""

    permission = ""

    def __init__(self, backend, name="add", permission=""):
        self.spec = ToolSpec(name, "Adds two numbers. Use it for sums.", NUMBERS)
        self.permission = permission
        self.backend = backend
        self.called = []

    def call(self, arguments):
        self.called.append(arguments)
        self.backend.calls = ()
        return str(arguments["a"] + arguments["b"])


class Fail(Add):
    def call(self, arguments):
        self.backend.calls = ()
        raise EngineError("The abacus is broken.", "Count by hand.")


def give(bench, *tools):
    """Let the model have these tools, and ask for the first one."""
    bench.engine._registry.put("tests", Offers(tools=list(tools)))
    bench.backend.calls = (ToolCall(tools[0].spec.name, {"a": 1, "b": 2}),)
    bench.backend.script = ("I ", "add.")
    bench.controller.choose_tools(frozenset(tool.spec.name for tool in tools))


def sent(bench):
    """The messages of the newest request."""
    return bench.backend.models[0].admitted[-1].prompt.request.messages


def test_thoughts_are_shown_folded_kept_and_never_sent_again(make_bench, run):
    async def story():
        async with make_bench(thinking=("Let me ", "think."), script=("Hello", ".")) as bench:
            await bench.ask("Hi")
            turn = bench.session.last
            assert (turn.thinking, turn.text) == ("Let me think.", "Hello.")
            [block] = bench.page.findChildren(ThoughtBlock)
            assert not block.is_open
            assert block.words.startswith("Thought for")
            assert block.text == "Let me think."
            await bench.ask("And now?")
            assert all("think" not in message.content for message in sent(bench))
            chat = bench.session.id
        async with make_bench() as bench:
            bench.controller.open_chat(chat)
            await bench.until(lambda: bench.session.id == chat and bench.page.transcript.is_settled)
            assert [turn.thinking for turn in bench.session.transcript.turns] == ["", "Let me think."] * 2
            block = bench.page.findChildren(ThoughtBlock)[0]
            before = block.height()
            QTest.mouseClick(block._head, Qt.MouseButton.LeftButton)
            assert block.is_open
            assert block.height() > before

    run(story())


def test_whether_to_think_is_a_choice_that_is_remembered(make_bench, run):
    async def story():
        async with make_bench() as bench:
            await bench.ask("Hi")
            assert bench.backend.models[0].admitted[-1].prompt.request.thinking is None
            bench.page.composer.preset.also_picked.emit("Think first")
            await bench.ask("Hi again")
            assert bench.backend.models[0].admitted[-1].prompt.request.thinking is True
            assert "think first" in bench.page.composer.preset.accessibleName()
        async with make_bench() as bench:
            assert bench.controller.choices.thinking is True
            bench.page.composer.preset.also_picked.emit("Answer at once")
            assert bench.controller.choices.thinking is False

    run(story())


def test_both_menus_of_the_composer_offer_what_there_is(make_bench, run):
    async def story():
        async with make_bench() as bench:
            give(bench, Add(bench.backend), Add(bench.backend, "search", "network"))
            composer = bench.page.composer
            composer.preset.open_menu()
            [menu] = [menu for menu in composer.preset.findChildren(QMenu) if menu.isVisible()]
            words = [action.text().split("\t")[0] for action in menu.actions() if action.text()]
            assert words == ["Default", "Precise", "Creative", "As the model likes", "Think first", "Answer at once"]
            menu.close()
            composer.tools.open_menu()
            [menu] = [menu for menu in composer.tools.findChildren(QMenu) if menu.isVisible()]
            assert [(action.text(), action.isChecked()) for action in menu.actions()] == [
                ("add\tAdds two numbers.", True),
                ("search\tAdds two numbers.", True),
            ]
            menu.actions()[1].trigger()
            assert bench.session.tools == {"add"}
            menu.close()

    run(story())


def test_a_thought_is_open_while_it_grows(make_bench, run):
    async def story():
        async with make_bench(thinking=("hm ",) * 500, step_s=0.005) as bench:
            bench.controller.send("Hi")
            await bench.until(lambda: any(len(b.text) > 30 for b in bench.page.findChildren(ThoughtBlock)))
            [block] = bench.page.findChildren(ThoughtBlock)
            assert (block.is_open, block.words) == (True, "Thinking")
            bench.controller.stop()
            await bench.settled()
            assert (block.is_open, bench.session.last.state) == (False, TurnState.STOPPED)
            assert bench.session.last.thinking.startswith("hm hm")

    run(story())


def test_a_tool_is_called_and_its_result_told(make_bench, run):
    async def story():
        async with make_bench() as bench:
            add = Add(bench.backend)
            give(bench, add)
            bench.backend.script = ("I add.",)
            await bench.ask("What is 1 + 2?")
            assert add.called == [{"a": 1, "b": 2}]
            answers = bench.session.transcript.turns[1:]
            assert [turn.state for turn in answers] == [TurnState.DONE] * 2
            assert [(call.words, call.state, call.result) for call in answers[0].calls] == [
                ("add(a=1, b=2)", CallState.DONE, "3")
            ]
            assert [message.role for message in sent(bench)] == ["user", "assistant", "tool"]
            assert (sent(bench)[-1].content, sent(bench)[-1].tool_name) == ("3", "add")
            assert sent(bench)[1].tool_calls == (ToolCall("add", {"a": 1, "b": 2}),)
            [card] = bench.page.findChildren(CallCard)
            assert card.fold.words == "Calls add(a=1, b=2)"
            assert "3" in card.fold.text
            bench.page._on_copy_chat()
            assert "I add.\n\nCalls `add(a=1, b=2)`: 3" in QGuiApplication.clipboard().text()
            chat = bench.session.id
        async with make_bench() as bench:
            bench.controller.open_chat(chat)
            await bench.until(lambda: bench.session.id == chat and bench.page.transcript.is_settled)
            assert bench.session.tools == {"add"}
            assert bench.page.findChild(CallCard).fold.words == "Calls add(a=1, b=2)"

    run(story())


def test_tools_are_off_until_they_are_switched_on(make_bench, run):
    async def story():
        async with make_bench() as bench:
            give(bench, Add(bench.backend))
            bench.controller.choose_tools(frozenset())
            bench.backend.calls = ()
            await bench.ask("Hi")
            assert bench.backend.models[0].admitted[-1].prompt.request.tools == ()
            assert bench.page.composer.tools.isVisible()
            bench.page.composer.tools.switched.emit(frozenset({"add"}))
            await bench.ask("And now?")
            [spec] = bench.backend.models[0].admitted[-1].prompt.request.tools
            assert spec.name == "add"
            assert bench.page.composer.tools.accessibleName() == "Tools: 1 of 1 on"

    run(story())


@pytest.mark.parametrize(("button", "told", "calls"), [(0, "did not allow", 0), (1, "3", 1), (2, "3", 1)])
def test_a_tool_that_needs_a_permission_waits_for_the_person(make_bench, run, button, told, calls):
    async def story():
        async with make_bench() as bench:
            add = Add(bench.backend, permission="network")
            give(bench, add)
            asked = []
            bench.controller.asked.connect(asked.append)
            bench.controller.send("What is 1 + 2?")
            await bench.until(lambda: bench.session.last and bench.session.last.calls)
            await bench.until(lambda: bench.page.findChildren(CallCard))
            assert asked == ["add(a=1, b=2)"]
            assert bench.session.last.calls[0].state is CallState.ASKING
            assert add.called == []
            card = bench.page.findChild(CallCard)
            assert card.buttons[0].isVisible()
            assert "It may reach the network." in card.buttons[0].accessibleName()
            bench.backend.calls = ()
            card.buttons[button].click()
            await bench.settled()
            assert told in sent(bench)[-1].content
            assert len(add.called) == calls
            assert bench.session.allowed == ({"add"} if button == 2 else set())

    run(story())


def test_stop_while_a_call_waits_makes_no_call(make_bench, run):
    async def story():
        async with make_bench() as bench:
            add = Add(bench.backend, permission="read")
            give(bench, add)
            bench.controller.send("What is 1 + 2?")
            await bench.until(lambda: bench.session.last and bench.session.last.calls)
            bench.controller.stop()
            await bench.settled()
            assert (bench.session.last.state, bench.session.last.calls[0].state) == (TurnState.STOPPED, CallState.LEFT)
            assert add.called == []

    run(story())


def test_a_tool_that_fails_is_shown_and_told(make_bench, run):
    async def story():
        async with make_bench() as bench:
            give(bench, Fail(bench.backend))
            await bench.ask("What is 1 + 2?")
            [call] = bench.session.transcript.turns[1].calls
            assert (call.state, call.result) == (CallState.FAILED, "The abacus is broken. Count by hand.")
            assert sent(bench)[-1].content == call.result

    run(story())


def test_a_model_that_never_stops_calling_has_to_answer_in_the_end(make_bench, run):
    async def story():
        async with make_bench() as bench:
            add = Add(bench.backend)
            add.call = lambda arguments: "again"
            give(bench, add)
            await bench.ask("What is 1 + 2?")
            requests = [sequence.prompt.request for sequence in bench.backend.models[0].admitted]
            assert len(requests) == MAX_ROUNDS + 1
            assert [bool(request.tools) for request in requests] == [True] * MAX_ROUNDS + [False]
            assert bench.session.last.calls == ()
            bench.backend.calls = ()
            bench.controller.ask_again()  # replaces all rounds, not only the last answer
            await bench.settled()
            assert [turn.role for turn in bench.session.transcript.turns] == [Role.USER, Role.ANSWER]

    run(story())


def test_calls_that_were_not_made_are_told_as_such():
    call = Call(name="add", arguments={}, state=CallState.LEFT)
    turns = [
        Turn(id=1, role=Role.USER, text="Hi"),
        Turn(id=2, role=Role.ANSWER, text="", thinking="secret", calls=(call,)),
        Turn(id=3, role=Role.ANSWER, text="Well."),
    ]
    messages = messages_of(turns)
    assert [(message.role, message.content) for message in messages] == [
        ("user", "Hi"),
        ("assistant", ""),
        ("tool", "This call was not made."),
        ("assistant", "Well."),
    ]


def test_a_chat_file_of_the_first_version_still_opens(tmp_path):
    path = tmp_path / "chats.db"
    with sqlite3.connect(path) as raw:
        raw.executescript(
            "CREATE TABLE chats (id INTEGER PRIMARY KEY, title TEXT NOT NULL, model TEXT NOT NULL,"
            " updated_s REAL NOT NULL, deleted INTEGER NOT NULL DEFAULT 0);"
            "CREATE TABLE turns (id INTEGER PRIMARY KEY AUTOINCREMENT,"
            " chat INTEGER NOT NULL REFERENCES chats(id) ON DELETE CASCADE, role TEXT NOT NULL, text TEXT NOT NULL,"
            " state TEXT NOT NULL, model TEXT NOT NULL, facts TEXT NOT NULL, created_s REAL NOT NULL);"
            "CREATE TABLE kept (name TEXT PRIMARY KEY, value TEXT NOT NULL);"
            "CREATE INDEX turns_by_chat ON turns(chat, id);"
            "INSERT INTO chats VALUES (1, 'Herbs', 'starter', 5.0, 0);"
            "INSERT INTO turns VALUES (1, 1, 'user', 'Hi', 'done', '', '{}', 5.0);"
            "PRAGMA user_version=1;"
        )
    raw.close()
    for _ in range(2):
        db = ChatDatabase(path)
        assert [(chat.title, chat.tools) for chat in db.chats()] == [("Herbs", ())]
        [turn] = [turn for turn in db.turns(1) if turn.role is Role.USER]
        assert (turn.text, turn.thinking, turn.calls) == ("Hi", "", ())
        db.close()
    db = ChatDatabase(path)
    answer = db.add_turn(1, Role.ANSWER, "", TurnState.RUNNING, "starter")
    call = Call(name="add", arguments={"a": 1}, state=CallState.RUNNING)
    db.save_turn(replace(answer, thinking="hm", calls=(call,), state=TurnState.DONE))
    db.set_tools(1, ["add"])
    saved = db.turns(1)[-1]
    assert (saved.thinking, saved.calls[0].state) == ("hm", CallState.LEFT)
    assert db.chats()[0].tools == ("add",)
    db.close()
