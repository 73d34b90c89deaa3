"""Ticket: a request from its arrival to its end, wherever it stands: being placed, waiting, loading, running."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from engine.backends.base import LoadedModel
from engine.errors import InvalidRequestError
from engine.memory.residency import Lease
from engine.queueing import Outcome
from engine.requests import USUAL_LEVEL, EmbedRequest, GenerateRequest, RecognizeRequest, Urgency
from engine.scheduling.asks import Ask, ask_of
from engine.scheduling.entries import Entry
from engine.scheduling.job import Fail, Job, JobClock, Journey
from engine.scheduling.ways import Way
from engine.types import Event

Request = GenerateRequest | RecognizeRequest | EmbedRequest

_TITLE_LETTERS: Final = 80
_MOST_LEVEL: Final = 4

Start = Callable[[LoadedModel], Callable[[], None] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What a request is called in the queue.

    Attributes:
        form: `text`, `image` or `texts`; `load` for a model that is to be loaded only.
        title: what it is about.
        model: as asked for.
        client: who asked.
    """

    form: str
    title: str
    model: str
    client: str = ""


@dataclass(slots=True, eq=False, kw_only=True)
class Ticket:
    """A request on its way.

    Attributes:
        number: counts arrivals.
        label: what it is called.
        urgency: how soon it is needed.
        level: the user's own weight, 0 to 4.
        deadline_s: seconds after its arrival by which all of it should be there; None for no wish.
        clock: moments of its life.
        journey: where it goes.
        start: called with the loaded model, off the lane: makes the job, or is done with it. What it returns is called
            once the model may leave again.
        fail: ends it with an error.
        is_gone: whether nobody waits for it any more.
        tell: takes events.
        ways: where it can run, best first.
        at: which of them it goes.
        entry: in the roster; None before it is placed and after its end.
        job: what runs on the lane; None until its model has made it ready.
        is_started: whether `start` was called, or is about to be.
        outcome: how it ended; None before.
    """

    number: int
    label: Label
    urgency: Urgency = Urgency.INTERACTIVE
    level: int = USUAL_LEVEL
    deadline_s: float | None = None
    clock: JobClock
    journey: Journey
    start: Start
    fail: Fail
    is_gone: Callable[[], bool]
    tell: Callable[[Event], None] = lambda _event: None
    ways: Sequence[Way] = field(default=())
    at: int = 0
    entry: Entry | None = None
    job: Job | None = None
    is_started: bool = False
    outcome: Outcome | None = None

    @property
    def id(self) -> str:
        """What front ends call it."""
        return f"r{self.number}"

    @property
    def way(self) -> Way:
        """Where it goes."""
        return self.ways[self.at]

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or nobody waits for it any more."""
        return self.outcome is not None or self.is_gone()

    @property
    def lease(self) -> Lease:
        """Holds the models that it uses."""
        return self.journey.lease


def label_of(request: Request) -> Label:
    """What a request is called.

    Raises:
        InvalidRequestError: its level or its deadline makes no sense.
    """
    if not 0 <= request.level <= _MOST_LEVEL:
        raise InvalidRequestError(f"level is {request.level}, but must be from 0 to {_MOST_LEVEL}.")
    if request.deadline_s is not None and not request.deadline_s > 0:
        raise InvalidRequestError(f"deadline_s is {request.deadline_s}, but must be above 0.")
    form = ask_of(request).form
    return Label(form=form, title=request.title or _title(request), model=request.model, client=request.client)


def journey_for(lease: Lease, request: Request | None = None, device: str = "") -> Journey:
    """Where a request is to go."""
    return Journey(lease=lease, ask=Ask(device=device) if request is None else ask_of(request))


def outcome_of(future: "Future[Any]") -> tuple[Outcome, str]:
    """How a completed future ended, and why it failed."""
    if future.cancelled():
        return Outcome.CANCELLED, ""
    error = future.exception()
    return (Outcome.DONE, "") if error is None else (Outcome.FAILED, str(error))


def _title(request: Request) -> str:
    if isinstance(request, RecognizeRequest):
        return request.image.name if isinstance(request.image, Path) else "a picture"
    if isinstance(request, EmbedRequest):
        text = request.texts[0] if request.texts else ""
    else:
        text = request.prompt or (request.messages[-1].content if request.messages else "")
    line = " ".join(text[: 4 * _TITLE_LETTERS].split())
    return line if len(line) <= _TITLE_LETTERS else f"{line[: _TITLE_LETTERS - 1]}…"
