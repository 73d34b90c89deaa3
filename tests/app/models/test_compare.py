"""Two models side by side: differences in words, and one question answered by both."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.models.compare_dialog import CompareDialog
from app.models.compare_words import Side, compared
from engine import Engine, EngineConfig, Event, Fit, FitVerdict, GenerateRequest, ModelCard, ModelFileError
from tests.app.models.finds import GB, Stage
from tests.app.models.staged import BIG, LLAMA, READER, REPORTS, STARTER


def verdict(fit: Fit, needed: int, speed: float) -> FitVerdict:
    return FitVerdict(
        fit=fit,
        sentence="",
        lines=(),
        needed_bytes=needed,
        budget_bytes=10 * GB,
        budget_reason="",
        context_tokens=8192,
        tokens_per_s=speed,
    )


def notes(left: Side, right: Side) -> dict[str, tuple[str, int]]:
    return {fact.title: (fact.note, fact.better) for fact in compared(left, right) if fact.is_other}


def test_differences_are_said_in_words_and_only_where_something_is_known():
    left = Side(BIG, verdict(Fit.PAGING, 11 * GB, 3.0))
    right = Side(LLAMA, verdict(Fit.FITS, 3 * GB, 71.0))
    said = notes(left, right)
    assert said["Fits this computer"] == ("differs", 1)
    assert said["Memory"] == ("A 3.7\u00a0× as much", 1)
    assert said["Size on disk"] == ("A 3.9\u00a0× as large", 1)
    assert said["Measured speed"] == ("B 24\u00a0× as fast", 1)
    assert said["Type of weights"] == ("differs", 0)
    assert "Weights" not in said  # of the second one nobody knows how many
    assert "Longest context" not in said  # the same
    facts = {fact.title: (fact.left, fact.right) for fact in compared(left, right)}
    assert facts["Weights"] == ("14.8\u00a0B", "–")
    assert "Made from" not in facts  # of neither


def test_before_a_verdict_is_there_it_is_being_looked_for():
    facts = {fact.title: fact for fact in compared(Side(BIG), Side(LLAMA, None, "It is broken."))}
    assert (facts["Fits this computer"].left, facts["Fits this computer"].right) == ("Looking…", "Not known")
    assert not facts["Fits this computer"].is_other


def test_tokens_are_not_compared_with_pictures():
    assert "Measured speed" not in {fact.title for fact in compared(Side(BIG), Side(READER))}


def test_reports_are_compared_where_both_have_one():
    left, right = (replace(BIG, report=report) for report in REPORTS[2:4])
    said = notes(Side(left), Side(right))
    assert said["Kept of its source"] == ("A a little more", -1)
    assert said["Size of its source"] == ("A 1.2\u00a0× as large", 1)
    assert said["Faster than its source"] == ("B 2.1\u00a0× as much", 1)


class FakePair:
    """Judges and answers at once."""

    def __init__(self) -> None:
        self.asked: list[GenerateRequest] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def fit(self, model: str, context_tokens: int | None = None) -> FitVerdict:
        if model == LLAMA.info.id:
            raise ModelFileError("It is broken.", "Fetch it again.")
        return verdict(Fit.FITS, GB, 20.0)

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[Event]:
        self.asked.append(request)
        await self.gate.wait()
        raise ModelFileError("It is broken.", "Fetch it again.")
        yield  # a generator


class PairStage(Stage):
    """The dialog over an empty window."""

    def open(self, engine: Any, *cards: ModelCard) -> CompareDialog:
        self.show(QWidget(), 1000, 760)
        dialog = CompareDialog(self.appearance, engine, self.tasks, cards, cards[0].info.id, self.window)
        dialog.open()
        return dialog


@pytest.fixture
def staged(run: Callable[..., None], dressed: Callable[..., None]) -> Callable[..., None]:
    """Run a check on the dialog."""

    def show(check: Callable[[PairStage], Any]) -> None:
        async def body() -> None:
            stage = PairStage()
            dressed(stage.appearance)
            async with stage:
                await check(stage)

        run(body())

    return show


def test_it_begins_with_the_model_that_is_most_like_it(staged):
    async def check(stage) -> None:
        made = replace(STARTER, provenance=replace(STARTER.provenance, made_from=BIG.info.id))
        dialog = stage.open(FakePair(), BIG, READER, LLAMA, made)
        assert dialog.second.currentData() == made.info.id
        assert dialog.first.currentText() == "Qwen2.5 14B Instruct Q4_K_M"
        dialog.second.setCurrentIndex(1)  # a picture model: nothing to ask
        assert not dialog.ask.isVisible()
        dialog.second.setCurrentIndex(0)
        assert "Choose another model beside it." in stage.said(dialog)
        dialog.reject()

    staged(check)


def test_a_model_that_cannot_be_judged_or_asked_says_so_and_the_other_goes_on(staged):
    async def check(stage) -> None:
        pair = FakePair()
        dialog = stage.open(pair, BIG, LLAMA)
        await stage.until(lambda: "Not known" in stage.said(dialog.table))
        QTest.keyClicks(dialog.ask.field, "Why?")
        QTest.keyClick(dialog.ask.field, Qt.Key.Key_Return)
        await stage.until(lambda: len(pair.asked) == 2)
        await stage.until(lambda: not dialog.controller.is_asking)
        assert [box.text.toPlainText() for box in dialog.ask.boxes] == ["It is broken. Fetch it again."] * 2
        assert dialog.isVisible()  # Enter did not close it
        dialog.reject()

    staged(check)


def test_asking_can_be_stopped_and_ends_with_the_dialog(staged):
    async def check(stage) -> None:
        pair = FakePair()
        pair.gate.clear()
        dialog = stage.open(pair, BIG, LLAMA)
        dialog.ask.field.setText("Why?")
        dialog.ask.button.click()
        await stage.until(lambda: pair.asked)
        assert dialog.ask.button.text() == "Stop"
        dialog.ask.button.click()
        assert dialog.ask.boxes[0].facts.text() == "Stopped"
        dialog.ask.button.click()
        await stage.until(lambda: len(pair.asked) == 2)
        dialog.reject()
        await stage.settled()

    staged(check)


def test_the_starter_answers_on_both_sides(staged, tmp_path):
    engine = Engine(EngineConfig(home=tmp_path / "home", used_in_place=()))

    async def check(stage) -> None:
        engine.open()
        try:
            card = engine.card("starter")
            dialog = stage.open(engine, card, replace(card, title="the same"))
            dialog.ask.field.setText("What is Hearth?")
            dialog.ask.button.click()
            await stage.until(lambda: not dialog.controller.is_asking)
            first, second = dialog.controller.replies
            assert first.text
            assert first.text == second.text  # greedy, and one after the other
            assert "tok/s" in first.facts
            assert dialog.ask.boxes[1].text.toPlainText() == second.text
            await stage.until(lambda: "Looking…" not in stage.said(dialog.table))
            dialog.reject()
        finally:
            await engine.close()

    staged(check)
