"""What model families and vision pipelines have in common: they recognise files, and open them."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from engine.errors import EngineError
from engine.plugins.conformance.trial import Trial, require
from engine.plugins.contract.models import ModelFacts, Recognition
from engine.requests import Accepts

F = TypeVar("F")

RECOGNISE_MS: Final = 50.0
OPEN_MS: Final = 1000.0
_MOST_OPENED: Final = 6


def check_recognise(
    trial: Trial, recognise: Callable[[ModelFacts], Recognition | None], facts: Iterable[ModelFacts], *, is_image: bool
) -> None:
    """See that files are recognised without an accident, and always in the same way."""
    for one in facts:
        found = trial.repeat(recognise, one)
        require(not isinstance(found, EngineError), f"fails for {one.file_name}: {found}")
        if found is not None:
            require(isinstance(found, Recognition), f"returns a {type(found).__name__} for {one.file_name}")
            assert isinstance(found, Recognition)
            _check_recognition(found, is_image=is_image)


def recognised(
    recognise: Callable[[ModelFacts], Recognition | None], facts: Iterable[ModelFacts]
) -> list[tuple[ModelFacts, Recognition]]:
    """Some of the files that are recognised."""
    found: list[tuple[ModelFacts, Recognition]] = []
    for one in facts:
        try:
            recognition = recognise(one)
        except Exception:  # noqa: BLE001 - the check before this one has reported it
            continue
        if isinstance(recognition, Recognition):
            found.append((one, recognition))
    # The first, which the caller has brought perhaps, and the last, which are the most complete of those made up.
    return found if len(found) <= _MOST_OPENED else [*found[: _MOST_OPENED // 2], *found[-_MOST_OPENED // 2 :]]


def check_open(
    trial: Trial,
    open_model: Callable[[ModelFacts], F],
    ours: Sequence[tuple[ModelFacts, Recognition]],
    opened: list[tuple[F, ModelFacts, Recognition]],
) -> None:
    """See that recognised files can be opened, or are refused with a sentence; those that can go into `opened`."""
    opened.clear()
    if not ours:
        trial.note = "none of the made-up models is its own; give one with --model FILE"
    for facts, recognition in ours:
        result = trial.call(open_model, facts)
        if isinstance(result, EngineError):
            trial.note = f"refuses {facts.file_name}: {result.cause}"
        else:
            opened.append((result, facts, recognition))


def _check_recognition(found: Recognition, *, is_image: bool) -> None:
    require(
        bool(found.accepts) and all(isinstance(form, Accepts) for form in found.accepts), "accepts no form of request"
    )
    kinds = {form is Accepts.IMAGE for form in found.accepts}
    require(kinds == {is_image}, "accepts forms of request that are not of its kind")
    require(isinstance(found.tasks, tuple) and bool(found.tasks), "names no task")
    require(all(isinstance(task, str) and task for task in found.tasks), "names a task that is no text")
    require(0 <= found.confidence <= 1, f"has a confidence of {found.confidence}, which is not in [0, 1]")
