from collections.abc import Callable

import pytest

from app.chat.chats.list_model import DETAIL_ROLE
from app.chat.conversation import Role, TurnState
from app.chat.database import ChatDatabase
from app.chat.failure import Remedy
from engine.errors import ModelFileError, ModelNotFoundError
from engine.types import OverflowPolicy

ENDLESS = {"script": ("word ",), "repeat": True, "step_s": 0.001}


def saved_turns(bench) -> list:
    """What another process would find on disk."""
    database = ChatDatabase(bench.engine.config.home / "chats.db")
    turns = [turn for chat in database.chats() for turn in database.turns(chat.id)]
    database.close()
    return turns


def test_a_message_gets_an_answer_and_both_are_kept(bench, run) -> None:
    async def story() -> None:
        async with bench:
            assert bench.controller.choices.current.id == "starter"
            await bench.ask("  Hi there\n")
            assert bench.texts == ["Hi there", "Hello, world."]
            answer = bench.session.last
            assert (answer.state, answer.model, answer.facts.device) == (TurnState.DONE, "starter", "cpu")
            assert answer.facts.output_tokens == 4
            assert bench.session.title == "Hi there"
        assert [(turn.text, turn.state) for turn in saved_turns(bench)] == [
            ("Hi there", TurnState.DONE),
            ("Hello, world.", TurnState.DONE),
        ]

    run(story())


def test_the_message_is_on_disk_before_the_first_token(bench, run) -> None:
    seen = []

    async def story() -> None:
        async with bench:
            bench.controller.send("Question")
            await bench.until(lambda: len(bench.session.transcript.turns) == 2)
            bench.session.transcript.text_appended.connect(
                lambda _row, _text: seen.append([(turn.role, turn.text) for turn in saved_turns(bench)])
            )
            await bench.settled()

    run(story())
    assert seen[0] == [(Role.USER, "Question"), (Role.ANSWER, "")]


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_an_empty_message_is_not_sent(bench, run, text: str) -> None:
    async def story() -> None:
        async with bench:
            assert not bench.controller.send(text)
            assert bench.texts == []

    run(story())


def test_a_second_message_waits_its_turn(make_bench, run) -> None:
    async def story() -> None:
        async with make_bench(**ENDLESS) as bench:
            assert bench.controller.send("one")
            assert not bench.controller.send("two")
            bench.controller.stop()
            await bench.settled()

    run(story())


def test_stop_keeps_what_was_said(make_bench, run) -> None:
    async def story() -> None:
        async with make_bench(**ENDLESS) as bench:
            bench.controller.send("Go on")
            await bench.until(lambda: bench.session.last and bench.session.last.text.count("word") > 5)
            bench.controller.stop()
            bench.controller.stop()
            await bench.settled()
            said = bench.session.last
            assert said.state is TurnState.STOPPED
            assert said.facts.output_tokens > 5
            await bench.until(lambda: not bench.engine.snapshot().running)
            bench.backend.repeat = False
            await bench.ask("And now?")
            assert bench.session.last.state is TurnState.DONE
        assert [turn.state for turn in saved_turns(bench)][1] is TurnState.STOPPED

    run(story())


def test_stop_before_the_engine_was_asked(bench, run) -> None:
    async def story() -> None:
        async with bench:
            bench.controller.send("Go on")
            bench.controller.stop()
            await bench.settled()
            assert (bench.texts, bench.session.last.state) == (["Go on", ""], TurnState.STOPPED)
            assert bench.backend.models == []

    run(story())


def test_closing_in_the_middle_keeps_what_was_said(make_bench, run) -> None:
    async def story() -> None:
        async with make_bench(**ENDLESS) as bench:
            bench.controller.send("Go on")
            await bench.until(lambda: bench.session.last and bench.session.last.text.count("word") > 5)
        turn = saved_turns(bench)[-1]
        assert (turn.state, turn.text.count("word") > 5) == (TurnState.INTERRUPTED, True)

    run(story())


def test_asking_again_replaces_the_answer(bench, run) -> None:
    async def story() -> None:
        async with bench:
            await bench.ask("Hi")
            bench.backend.script = ("Other", " words")
            bench.controller.ask_again()
            await bench.settled()
            assert bench.texts == ["Hi", "Other words"]
        assert [turn.text for turn in saved_turns(bench)] == ["Hi", "Other words"]

    run(story())


def test_overflow_offers_to_drop_the_oldest(bench, run) -> None:
    async def story() -> None:
        async with bench:
            seen = []
            generate = bench.engine.generate
            bench.engine.generate = lambda request: seen.append(request) or generate(request)
            await bench.ask("word " * 5000)
            failure = bench.failures[0]
            assert "5,000" in failure.cause
            assert failure.button is Remedy.DROP_OLDEST
            assert bench.session.last.state is TurnState.FAILED
            assert bench.page.banner.message.startswith(failure.cause)
            bench.page.banner.pressed.emit()
            await bench.settled()
            assert [request.overflow for request in seen] == [OverflowPolicy.ERROR, OverflowPolicy.DROP_OLDEST]
            assert len(bench.texts) == 2

    run(story())


def test_a_broken_model_is_said_with_its_remedy(make_bench, run) -> None:
    async def story() -> None:
        broken = ModelFileError("The file ends too early.", "Download it again.")
        async with make_bench(load_error=broken) as bench:
            await bench.ask("Hi")
            assert bench.page.banner.message == "The file ends too early. Download it again."
            assert bench.session.last.state is TurnState.FAILED
            bench.backend.load_error = None
            bench.page.banner.pressed.emit()
            await bench.settled()
            assert bench.texts == ["Hi", "Hello, world."]
            assert bench.page.banner.message == ""

    run(story())


def test_a_model_that_went_away_offers_the_others(bench, run) -> None:
    async def story() -> None:
        async with bench:
            bench.library.find = lambda name: (_ for _ in ()).throw(ModelNotFoundError("Gone.", "Choose another."))
            await bench.ask("Hi")
            assert bench.failures[0].button is Remedy.CHOOSE_MODEL

    run(story())


def test_an_answer_goes_on_while_another_chat_is_read(make_bench, run) -> None:
    async def story() -> None:
        async with make_bench(**ENDLESS) as bench:
            bench.controller.send("First chat")
            await bench.until(lambda: len(bench.texts) == 2 and bench.session.last.text)
            first = bench.session
            bench.controller.new_chat()
            assert bench.session is not first
            before = len(first.last.text)
            await bench.until(lambda: len(first.last.text) > before + 20)
            assert bench.texts == []
            model = bench.controller.shelf.model
            assert "answering now" in model.data(model.index_of(first.id), DETAIL_ROLE)
            bench.controller.open_chat(first.id)
            assert bench.session is first
            bench.controller.stop()
            await bench.settled()

    run(story())


def test_choices_are_remembered(make_bench, run) -> None:
    async def first() -> None:
        async with make_bench() as bench:
            assert [info.id for info in bench.controller.choices.models] == ["starter", "alpha", "plain"]
            bench.controller.choices.choose_model("plain")
            bench.controller.choices.choose_preset("Precise")
            assert bench.controller.choices.only_continues

    async def second() -> None:
        async with make_bench() as bench:
            choices = bench.controller.choices
            assert (choices.current.id, choices.preset.name) == ("plain", "Precise")
            seen = []
            generate = bench.engine.generate
            bench.engine.generate = lambda request: seen.append(request) or generate(request)
            await bench.ask("Once upon")
            assert (seen[0].prompt, seen[0].messages) == ("Once upon", ())
            assert seen[0].sampling.temperature == choices.preset.sampling.temperature

    run(first())
    run(second())


def test_no_model_is_said(bench, run, tmp_path) -> None:
    async def story() -> None:
        async with bench:
            bench.library.kept = bench.library.models[0]
            bench.library.models.clear()
            await bench.controller.choices.find()
            assert not bench.controller.send("Hi")
            assert "no model" in bench.failures[0].cause
            assert str(tmp_path / "models") in bench.failures[0].remedy
            assert not bench.page.empty.buttons[0].isEnabled()
            bench.library.models.append(bench.library.kept)
            bench.page.banner.pressed.emit()
            await bench.until(lambda: bench.controller.choices.current)
            await bench.ask("Hi")

    run(story())


def test_the_whole_conversation_is_sent(bench, run) -> None:
    async def story() -> None:
        async with bench:
            await bench.ask("one")
            await bench.ask("two")
            prompt = bench.backend.models[0].admitted[-1].prompt
            assert [message.content for message in prompt.request.messages] == ["one", "Hello, world.", "two"]
            assert bench.session.used_tokens == 1 + 2 + 1 + 4

    run(story())


def test_a_full_disk_lets_the_chat_go_on(bench, run, tmp_path) -> None:
    async def story() -> None:
        async with bench:
            await bench.ask("one")
            await bench.controller._store.run(lambda db: db._db.execute("PRAGMA max_page_count=1"))
            await bench.ask("x" * 100_000)
            assert bench.texts[-1] == "Hello, world."
            assert "cannot be saved" in bench.failures[0].cause

    run(story())


def test_a_damaged_chat_file_is_told_once(make_bench, run, tmp_path) -> None:
    (tmp_path / "chats.db").write_bytes(b"junk" * 1000)

    def story(expected: int) -> Callable:
        async def told() -> None:
            async with make_bench() as bench:
                assert len(bench.failures) == expected
                await bench.ask("Hi")

        return told

    run(story(1)())
    run(story(0)())
