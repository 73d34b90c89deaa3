"""What is looked at in a model family."""

from collections.abc import Iterator, Sequence
from typing import Final

from engine.errors import EngineError
from engine.plugins.conformance.inputs import TEXTS, model_facts, text_requests
from engine.plugins.conformance.recognising import OPEN_MS, RECOGNISE_MS, check_open, check_recognise, recognised
from engine.plugins.conformance.trial import Check, Trial, examine, require
from engine.plugins.contract.models import (
    Composition,
    ModelFacts,
    ModelFamily,
    Recognition,
    Span,
    Text,
    TextFormat,
    Token,
)
from engine.requests import ToolCall

COMPOSE_MS: Final = 200.0
READ_MS: Final = 100.0
_BLOCKS: Final[tuple[tuple[str, ...], ...]] = (
    ("",),
    ("no call",),
    ('{"name": "add", "arguments": {"a": 1}}',),
    ("{" * 500,),
    ("[TOOL]\x00", "[TOOL]\x00"),
)

Opened = list[tuple[TextFormat, ModelFacts, Recognition]]


def examine_family(family: ModelFamily, examples: Sequence[ModelFacts]) -> Iterator[Check]:
    """Look at a model family.

    Args:
        family: which one.
        examples: facts of files that the caller has at hand, in addition to made-up ones.
    """
    name = f"family:{family.id}"
    facts = [*examples, *model_facts()]
    yield examine(
        f"{name} recognise", lambda trial: check_recognise(trial, family.recognise, facts, is_image=False), RECOGNISE_MS
    )
    ours = recognised(family.recognise, facts)
    opened: Opened = []
    yield examine(f"{name} open", lambda trial: check_open(trial, family.open, ours, opened), OPEN_MS)
    if opened:
        yield examine(f"{name} compose", lambda trial: _compose(trial, opened), COMPOSE_MS)
        yield examine(f"{name} read_tool_calls", lambda trial: _read_calls(trial, opened), READ_MS)
        yield examine(f"{name} embedding_text", lambda trial: _embedding_text(trial, opened), READ_MS)


def _compose(trial: Trial, opened: Opened) -> None:
    tried = done = 0
    for text_format, _, recognition in opened:
        for request in text_requests(recognition.accepts):
            tried += 1
            composition = trial.repeat(text_format.compose, request)
            if not isinstance(composition, EngineError):
                done += 1
                _check_composition(composition)
    if done < tried:
        trial.note = f"{tried - done} of {tried} requests refused, each with a sentence"


def _check_composition(composition: Composition) -> None:
    require(isinstance(composition, Composition), f"returns a {type(composition).__name__}")
    require(
        all(isinstance(part, Text | Token) for part in composition.parts), "has a part that is neither text nor token"
    )
    for part in composition.parts:
        fits = isinstance(part.text, str) if isinstance(part, Text) else isinstance(part.id, int) and part.id >= 0
        require(fits, f"has a wrong part: {part!r}")
    require(all(isinstance(text, str) and text for text in composition.stop), "has an empty stop string")
    require(all(isinstance(span, Span) and span.open for span in composition.spans), "has a span that nothing opens")


def _read_calls(trial: Trial, opened: Opened) -> None:
    for text_format, _, _ in opened:
        for blocks in _BLOCKS:
            calls = trial.repeat(text_format.read_tool_calls, blocks)
            if not isinstance(calls, EngineError):
                require(all(isinstance(call, ToolCall) and call.name for call in calls), "returns what is no call")


def _embedding_text(trial: Trial, opened: Opened) -> None:
    for text_format, _, _ in opened:
        for text in TEXTS:
            for purpose in ("document", "query"):
                result = trial.repeat(text_format.embedding_text, text, purpose)
                require(isinstance(result, str | EngineError), f"returns a {type(result).__name__}")
