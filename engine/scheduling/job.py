"""Job: a request on its way through a lane, with its own clock, its own costs, and its own way back to the caller."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from engine.backends.base import LoadedModel
from engine.memory.residency import Lease
from engine.scheduling.asks import Ask
from engine.types import Placement, Queued, SteppedDown, Timings

if TYPE_CHECKING:
    from engine.scheduling.tickets import Ticket

R = TypeVar("R")

Fail = Callable[[BaseException], None]

Later = Callable[[Callable[[], None]], None]
"""Does a piece of work soon, off the lane; whatever it raises fails its request."""


@dataclass(slots=True)
class JobClock:
    """Moments in the life of a request, on the monotonic clock; each is set once, when it happens."""

    arrived_s: float = field(default_factory=time.monotonic)
    load_s: float = 0.0
    started_s: float | None = None
    prefilled_s: float | None = None
    first_token_s: float | None = None

    def start(self) -> None:
        """Note the first step."""
        if self.started_s is None:
            self.started_s = time.monotonic()

    def timings(self) -> Timings:
        """Summarise, now being the end; a moment that never came counts as the end."""
        now = time.monotonic()
        started = now if self.started_s is None else self.started_s
        prefilled = now if self.prefilled_s is None else self.prefilled_s
        first = now if self.first_token_s is None else self.first_token_s
        return Timings(
            queued_s=max(0.0, started - self.arrived_s - self.load_s),
            load_s=self.load_s,
            prefill_s=max(0.0, prefilled - started),
            first_token_s=first - self.arrived_s,
            decode_s=now - first,
            total_s=now - self.arrived_s,
        )


@dataclass(slots=True)
class JobCost:
    """What a request has taken of its device so far; energy is unknown once the power was unknown for one step."""

    device_s: float = 0.0
    energy_j: float | None = 0.0

    def add(self, device_s: float, watts: float | None) -> None:
        """Add its share of a step."""
        self.device_s += device_s
        self.energy_j = None if watts is None or self.energy_j is None else self.energy_j + device_s * watts


@dataclass(slots=True, kw_only=True)
class Journey:
    """Where a request goes, and where it has been.

    Attributes:
        lease: holds the models that it uses.
        ask: what the dispatcher is told about it.
        reason: why it is where it is, in one sentence; empty where there was no choice.
        step_downs: a sentence for each device that it had to leave.
    """

    lease: Lease
    ask: Ask
    reason: str = ""
    step_downs: list[str] = field(default_factory=list)


class Job(ABC):
    """A request that its model has made ready: it waits for its place, or is given steps.

    Thread: the lane, once it is in the queue.

    Attributes:
        ticket: the request.
        cost: what it has taken of its device.
        form: `text`, `image` or `texts`.
        prompt_tokens: of its prompt; 0 for texts and pictures.
        is_cut: whether it ended only because it was as long as allowed.
    """

    form = "text"
    prompt_tokens = 0
    is_cut = False

    def __init__(self, ticket: "Ticket") -> None:
        self.ticket = ticket
        self.cost = JobCost()

    @property
    def clock(self) -> JobClock:
        """Moments of its life."""
        return self.ticket.clock

    @property
    def journey(self) -> Journey:
        """Where it goes."""
        return self.ticket.journey

    @property
    @abstractmethod
    def model(self) -> LoadedModel:
        """What it runs on."""

    @property
    def most_output(self) -> int:
        """Tokens, or steps, that it may come to."""
        return 1

    @property
    def output_count(self) -> int:
        """Tokens, texts or pictures that are done."""
        return 0

    def known_tokens(self) -> int:
        """Tokens of its prompt that its model need not read again."""
        return 0

    def begin(self) -> bool:
        """Take a place in the batch of its model, or take it again; False if there is no room just now."""
        return True

    def suspend(self) -> None:  # noqa: B027 - only answers have something to give back
        """Give the place back; what it has so far stays."""

    def leave(self) -> None:  # noqa: B027 - as above
        """Leave the model for good: it has ended, or its model is about to leave."""

    @abstractmethod
    def move(self, model: LoadedModel) -> None:
        """Go on with another copy of its model; what it has so far stays."""

    def look_up(self) -> None:  # noqa: B027 - only answers have read something
        """After a move: let the model find what it has read before. May wait for the disk. Thread: not the lane's."""

    def tell_step_down(self, event: SteppedDown) -> None:
        """Tell the caller that it goes on elsewhere."""
        self.journey.step_downs.append(event.sentence)

    def placed(self, placement: Placement) -> Placement:
        """Where it ran, with its own reasons and costs."""
        reasons = [self.journey.reason, placement.reason] if self.journey.reason else [placement.reason]
        return replace(
            placement,
            reason=" ".join(reasons),
            step_downs=tuple(self.journey.step_downs),
            device_s=self.cost.device_s,
            energy_j=self.cost.energy_j,
        )

    def fail(self, error: BaseException) -> None:
        """Tell the caller that it failed."""
        self.ticket.fail(error)

    def tell_position(self, position: int, starts_in_s: float | None, reason: str) -> None:
        """Tell the caller how many are before it, itself counted, and when it is likely to begin."""
        self.ticket.tell(Queued(position, starts_in_s, reason))


def settle(future: "Future[R]", outcome: R | BaseException) -> None:
    """Complete a future with a value or an error, unless it is done or its caller has cancelled it."""
    with suppress(InvalidStateError):
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
