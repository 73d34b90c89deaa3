"""The task, with models that do as they are told."""

import re

import pytest

from engine.plugins.api import GenerateRequest, InputFile, InvalidRequestError, RequestError, TaskCancelledError
from engine.testing import FakeModels, FakeTaskContext
from plugins.summarize.task import Summarize

LONG = "\n\n".join(f"Paragraph {n} tells of event{n} and of what followed from it in the end." for n in range(400))


def inputs(text: str | bytes = LONG, **changes: object) -> dict:
    data = text if isinstance(text, bytes) else text.encode()
    return {"file": InputFile("book.txt", data), "model": "m", "length": "short", "language": "", **changes}


def obedient(request: GenerateRequest) -> str:
    asked = request.messages[-1].content
    if "This is part" in asked:
        return "Events: " + " ".join(re.findall(r"event\d+", asked)[:5]) + "."
    return "The whole story."


def test_a_text_that_fits_is_asked_about_once():
    context = FakeTaskContext(FakeModels(obedient))
    assert Summarize().run(inputs("One short text."), context) == {"summary": "The whole story."}
    [request] = context.models.requests
    assert "One short text." in request.messages[-1].content
    assert request.messages[-1].content.startswith("Summarize this text in two or three sentences.")
    assert context.emitted == {"summary": "The whole story."}


def test_a_long_text_is_read_part_by_part():
    context = FakeTaskContext(FakeModels(obedient, context_tokens=1_000))
    assert Summarize().run(inputs(), context) == {"summary": "The whole story."}
    *parts, last = context.models.requests
    asked = "\n".join(request.messages[-1].content for request in parts)
    assert all(f"event{n} " in asked for n in range(400))  # nothing is left out
    assert last.messages[-1].content.count("Events: ") >= 5
    assert "Write from them one summary" in last.messages[-1].content
    assert context.emitted == {"summary": "The whole story."}


@pytest.mark.parametrize("window", [400, 700, 1_500])
def test_no_request_is_longer_than_the_context(window):
    context = FakeTaskContext(FakeModels(lambda request: "word " * (request.max_tokens or 1), context_tokens=window))
    Summarize().run(inputs(), context)
    assert len(context.models.requests) > 4
    for request in context.models.requests:
        prompt = sum(len(message.content.split()) for message in request.messages)
        assert prompt + (request.max_tokens or 0) <= window


def test_notes_that_are_too_long_are_shortened_again():
    context = FakeTaskContext(FakeModels(lambda request: "note " * (request.max_tokens or 1), context_tokens=400))
    Summarize().run(inputs(LONG * 5), context)
    assert any(note.startswith("Reading notes") for _, note in context.progress_log)
    fractions = [fraction for fraction, _ in context.progress_log]
    assert fractions == sorted(fractions)


def test_progress_grows_and_says_what_is_done():
    context = FakeTaskContext(FakeModels(obedient, context_tokens=1_000))
    Summarize().run(inputs(), context)
    fractions = [fraction for fraction, _ in context.progress_log]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    notes = [note for _, note in context.progress_log]
    assert notes[0] == "Reading book.txt"
    assert any(re.fullmatch(r"Reading parts 1 to \d of \d+", note) for note in notes)
    assert "Writing the summary" in notes


def test_it_can_be_cancelled_at_every_step():
    whole = FakeTaskContext(FakeModels(obedient, context_tokens=1_000))
    Summarize().run(inputs(), whole)
    steps = len(whole.progress_log) + 3  # the words of the summary
    for step in range(1, steps + 1):
        context = FakeTaskContext(FakeModels(obedient, context_tokens=1_000), cancel_after=step)
        with pytest.raises(TaskCancelledError):
            Summarize().run(inputs(), context)


def test_language_and_length_are_asked_for():
    context = FakeTaskContext(FakeModels(obedient, context_tokens=1_000))
    Summarize().run(inputs(language=" French \n", length="long"), context)
    assert all("Write in French." in request.messages[-1].content for request in context.models.requests)
    assert "a page with a short heading" in context.models.requests[-1].messages[-1].content


@pytest.mark.parametrize("text", ["x" * 60_000, "word " * 20_000, "天气很好" * 8_000, "ñandú ".encode("cp1252") * 900])
def test_one_giant_line_is_no_trouble(text):
    context = FakeTaskContext(FakeModels(obedient, context_tokens=500))
    context.models.count_tokens = lambda model, piece: len(piece) // 4 + 1  # type: ignore[method-assign]
    assert Summarize().run(inputs(text), context) == {"summary": "The whole story."}


def test_a_part_that_does_not_fit_after_all_is_read_in_halves():
    def choosy(request: GenerateRequest) -> str | RequestError:
        asked = request.messages[-1].content
        if "This is part 2 " in asked and len(asked.split()) > 500:
            return RequestError("The prompt is too long.")
        return obedient(request)

    context = FakeTaskContext(FakeModels(choosy, context_tokens=1_000))
    Summarize().run(inputs(), context)
    assert sum("This is part 2 " in request.messages[-1].content for request in context.models.requests) == 3


def test_a_part_that_fails_for_good_ends_the_task():
    context = FakeTaskContext(FakeModels(lambda request: RequestError("No."), context_tokens=1_000))
    with pytest.raises(RequestError, match=r"No\."):
        Summarize().run(inputs(), context)


@pytest.mark.parametrize(
    ("text", "window", "reason"), [("", 4_096, "is empty"), (LONG, 150, "too little for summaries")]
)
def test_what_cannot_be_done_is_said(text, window, reason):
    with pytest.raises(InvalidRequestError, match=reason):
        Summarize().run(inputs(text), FakeTaskContext(FakeModels(obedient, context_tokens=window)))


@pytest.mark.parametrize("text", [LONG, "short"])
def test_a_model_that_writes_nothing_is_named(text):
    with pytest.raises(InvalidRequestError, match="m wrote nothing"):
        Summarize().run(inputs(text), FakeTaskContext(FakeModels(lambda request: "  ", context_tokens=1_000)))
