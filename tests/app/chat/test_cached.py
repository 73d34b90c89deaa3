"""Answers that were not computed: marked, kept with the chat, and asked again on request."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.chat.conversation import AnswerFacts, Role, Turn, TurnState
from app.chat.database import ChatDatabase
from app.chat.progress import AnswerProgress
from app.chat.transcript.answer_line import AnswerLine, facts_text
from app.theme import Appearance
from app.theme.widgets import IconChip
from engine import (
    Cached,
    CacheTier,
    CacheUse,
    Finished,
    FinishReason,
    GenerateResult,
    Placement,
    Timings,
    Usage,
)

FACTS = AnswerFacts(device="cpu", output_tokens=20, first_token_s=0.5, decode_s=2.0)
CACHED = replace(FACTS, first_asked_at=time.mktime((2025, 11, 21, 12, 0, 0, 0, 0, -1)), saved_s=2.5, answered_s=0.0021)


def answer(facts: AnswerFacts = CACHED, state: TurnState = TurnState.DONE) -> Turn:
    return Turn(id=2, role=Role.ANSWER, text="Yes.", state=state, model="starter", facts=facts)


@pytest.fixture
def line(appearance: Appearance, qtbot) -> Iterator[AnswerLine]:
    room = QWidget()
    qtbot.addWidget(room)
    line = AnswerLine(appearance, room)
    line.resize(720, 28)
    room.show()
    yield line
    room.hide()


def chip_of(line: AnswerLine) -> IconChip:
    return line.findChild(IconChip)


def test_a_cached_answer_says_so_and_when_it_was_new(line: AnswerLine) -> None:
    line.show_turn(answer(), is_last=True)
    assert line.words.replace("\u00a0", " ") == "starter · answered in 2 ms · first asked 21 Nov 2025"
    chip = chip_of(line)
    assert (chip.isVisible(), chip.text(), chip.accessibleName()) == (True, "Cached answer", "Cached answer")
    assert "computing it took 2.5" in chip.accessibleDescription()
    assert line._fresh.isVisible()
    line.show_turn(answer(FACTS), is_last=True)
    assert (chip.isVisible(), line._fresh.isVisible()) == (False, False)
    assert "tok/s" in line.words


def test_only_the_last_answer_can_be_asked_again_and_a_running_one_has_no_mark(line: AnswerLine) -> None:
    line.show_turn(answer(), is_last=False)
    assert (chip_of(line).isVisible(), line._fresh.isVisible()) == (True, False)
    line.show_turn(answer(), is_last=True)
    line.say("Starting")
    assert (chip_of(line).isVisible(), line._fresh.isVisible()) == (False, False)


def test_what_went_wrong_is_said_first(line: AnswerLine) -> None:
    line.show_turn(answer(state=TurnState.FAILED), is_last=True)
    assert not chip_of(line).isVisible()
    assert line._chip.text() == "Failed"


def test_the_link_is_pressed_with_a_key(line: AnswerLine, qtbot) -> None:
    line.show_turn(answer(), is_last=True)
    assert line._fresh.accessibleName().startswith("Ask again")
    with qtbot.waitSignal(line.again_requested):
        QTest.keyClick(line._fresh, Qt.Key.Key_Space)


def test_the_time_is_taken_from_when_the_engine_was_asked() -> None:
    clock = iter((0.0, 5.0, 5.002))
    timings = Timings(queued_s=0, load_s=0, prefill_s=1, first_token_s=1, decode_s=2, total_s=3)
    progress = AnswerProgress("starter", lambda: next(clock))
    progress.begin()
    result = GenerateResult(
        text="Yes.",
        finish_reason=FinishReason.STOP,
        usage=Usage(prompt_tokens=4, output_tokens=2),
        timings=timings,
        placement=Placement(device="cpu", backend="llama.cpp", threads=2, reason=""),
        seed=1,
        cached=Cached(tier=CacheTier.DISK, stored_at=1_700_000_000.0, saved_s=3.0),
    )
    progress.take(Finished(result))
    assert progress.facts.answered_s == pytest.approx(0.002)
    assert (progress.facts.is_cached, progress.facts.saved_s) == (True, 3.0)


def test_an_answer_within_no_time_took_a_millisecond() -> None:
    assert "answered in 1" in facts_text(answer(replace(CACHED, answered_s=0.0001)))


def test_the_mark_is_kept_and_older_facts_are_read(tmp_path) -> None:
    database = ChatDatabase(tmp_path / "chats.db")
    chat = database.add_chat("Title", "starter")
    turn = database.add_turn(chat.id, Role.ANSWER, "", TurnState.RUNNING, "starter")
    database.save_turn(replace(turn, state=TurnState.DONE, facts=CACHED))
    assert database.turns(chat.id)[0].facts == CACHED
    database.close()
    assert AnswerFacts.from_dict({"device": "cpu", "of_a_later_version": 1}) == AnswerFacts(device="cpu")


def test_asking_again_never_takes_what_was_kept(bench, run) -> None:
    async def story() -> None:
        async with bench:
            asked = []
            generate = bench.engine.generate
            bench.engine.generate = lambda request: asked.append(request.cache) or generate(request)
            await bench.ask("Hi")
            bench.controller.ask_again()
            await bench.settled()
            await bench.ask("And now?")
            assert asked == [CacheUse.AUTO, CacheUse.FRESH, CacheUse.AUTO]

    run(story())


def test_the_same_question_is_answered_from_what_was_kept_until_it_is_asked_again(bench, run, tmp_path) -> None:
    async def story() -> None:
        async with bench:
            path = tmp_path / "starter.gguf"
            path.write_bytes(b"weights")
            bench.library.models[2] = replace(bench.library.models[2], path=path)
            bench.controller.choices.choose_preset("Precise")  # greedy, so that its answers are repeatable
            await bench.ask("Hi")
            bench.backend.script = ("Other", " words")
            bench.page.new_chat()
            await bench.ask("Hi")
            line = bench.page.transcript.findChild(AnswerLine)
            assert (bench.texts[1], chip_of(line).isVisible()) == ("Hello, world.", True)
            assert bench.session.last.facts.answered_s > 0
            assert "first asked at" in line.words.replace("\u00a0", " ")
            line._fresh.click()
            await bench.settled()
            line = bench.page.transcript.findChild(AnswerLine)
            assert (bench.texts[1], chip_of(line).isVisible()) == ("Other words", False)
            bench.page.new_chat()
            await bench.ask("Hi")
            assert (bench.texts[1], bench.session.last.facts.is_cached) == ("Other words", True)

    run(story())
