"""What is said about a verdict, and how verdicts are asked for."""

from dataclasses import replace

import pytest

from app.models.fit_book import FitBook
from app.models.verdict_words import gap_words, lines_of, needed_bytes, note_of, part_words
from app.tasks import Tasks
from engine import Fit, ModelDefaults, ModelFileError

GB = 1_000_000_000


@pytest.fixture
def judge(run, staged):
    """Judge a card, and give what came of it."""

    def ask(card, budget=10 * GB):
        engine, found = staged.engine(card), []
        engine.budget = budget

        async def body() -> None:
            tasks = Tasks()
            book = FitBook(engine, tasks)
            book.open()
            book.want(card)
            book.want(card)
            while book._asking is not None:
                await book._asking
            found.append(book.known(card.info.id))
            asked = engine.fits
            book.want(card)
            assert (book._asking, engine.fits) == (None, asked)  # it is known
            book.close()
            await tasks.close()

        run(body())
        return found[0]

    return ask


def test_lines_add_up_to_what_is_needed_and_streamed_weights_belong_to_the_weights(judge, staged):
    verdict = judge(staged.big).verdict
    assert verdict.fit is Fit.PAGING
    lines = lines_of(verdict)
    assert sum(line.size_bytes for line in lines) == needed_bytes(verdict) > verdict.budget_bytes
    weights, context, *_ = lines
    assert weights.size_bytes == staged.big.info.size_bytes
    assert weights.note.replace("\u00a0", " ") == "1.11 GB of them from disk"
    assert (context.name, context.note) == ("Context", "8,192 tokens an answer")
    assert len({line.role for line in lines}) == len(lines)
    assert gap_words(verdict).replace("\u00a0", " ") == "1.11 GB over the budget"


def test_a_shorter_context_that_fits_is_found_by_asking(judge, staged):
    found = judge(staged.big)
    assert found.advice.context_tokens == 2048
    assert found.advice.verdict.fit is Fit.FITS
    note = note_of(found)
    assert note.kind == "warn"
    assert note.lead.replace("\u00a0", " ") == "1.11 GB come from disk for every token:"
    assert "A context of 2,048 needs 9.90 GB and fits: about 6 tok/s." in note.rest.replace("\u00a0", " ")
    assert note.context_tokens == 2048


def test_what_does_not_fit_at_any_context_gets_the_engines_own_remedy(judge, staged):
    found = judge(staged.too_big)
    assert found.verdict.fit is Fit.NO
    assert found.advice is None
    note = note_of(found)
    assert (note.kind, note.context_tokens) == ("bad", 0)
    assert note.lead == found.verdict.sentence
    assert note.rest == "Take it as Q3_K_M, 11.7 GB."


def test_what_fits_needs_no_words(judge, staged):
    found = judge(staged.starter)
    assert note_of(found) is None
    assert gap_words(found.verdict).endswith("below the budget")


def test_defaults_of_a_model_count(judge, staged):
    shorter = replace(staged.big, defaults=ModelDefaults(context_tokens=2048))
    assert judge(shorter).verdict.fit is Fit.FITS
    tight = replace(staged.big, defaults=ModelDefaults(memory_budget_bytes=8 * GB))
    assert judge(tight, budget=64 * GB).verdict.budget_bytes == 8 * GB


def test_parts_are_said_in_the_unit_of_the_whole():
    assert part_words(420_000_000, 11 * GB).replace("\u00a0", " ") == "0.42 GB"
    assert part_words(4_200_000, 80_000_000).replace("\u00a0", " ") == "4.2 MB"


def test_a_file_that_cannot_be_judged_says_why_and_holds_up_no_other(run, staged):
    engine = staged.engine(staged.big, staged.coder)
    fit = engine.fit

    async def failing(model, *numbers):
        if model == staged.big.info.id:
            raise ModelFileError("The file is gone.", "Look for it.")
        return await fit(model, *numbers)

    engine.fit = failing

    async def body() -> None:
        tasks = Tasks()
        book = FitBook(engine, tasks)
        book.open()
        book.want(staged.coder)
        book.want(staged.big)
        while book._asking is not None:
            await book._asking
        assert book.known(staged.coder.info.id).verdict.fit is Fit.FITS
        found = book.known(staged.big.info.id)
        assert found.verdict is None
        assert note_of(found).rest == "The file is gone. Look for it."
        await tasks.close()

    run(body())


def test_only_what_was_wanted_last_is_asked_for(run, staged):
    many = [replace(staged.coder, info=replace(staged.coder.info, id=f"model-{n}")) for n in range(200)]
    engine = staged.engine(*many)

    async def body() -> None:
        tasks = Tasks()
        book = FitBook(engine, tasks)
        book.open()
        for card in many:
            book.want(card)
        while book._asking is not None:
            await book._asking
        assert engine.fits == 64
        assert book.known("model-199") is not None
        assert book.known("model-0") is None
        await tasks.close()

    run(body())


def test_other_memory_makes_verdicts_stale_but_keeps_them(run, staged):
    engine = staged.engine(staged.big)

    async def body() -> None:
        tasks = Tasks()
        book = FitBook(engine, tasks)
        book.open()
        assert book.note_memory(10 * GB, frozenset())
        book.want(staged.big)
        while book._asking is not None:
            await book._asking
        assert not book.note_memory(int(10.1 * GB), frozenset())
        assert book.note_memory(16 * GB, frozenset())
        assert book.note_memory(16 * GB, frozenset({"other"}))
        engine.budget = 16 * GB
        assert book.known(staged.big.info.id).verdict.fit is Fit.PAGING
        book.want(staged.big)
        while book._asking is not None:
            await book._asking
        assert book.known(staged.big.info.id).verdict.fit is Fit.FITS
        await tasks.close()

    run(body())
