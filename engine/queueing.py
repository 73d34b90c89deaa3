"""Frozen values about the queue that cross the engine's door: what runs, what waits and why, what has ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from engine.requests import Urgency

FACTORS: Final = (
    "urgency", "work", "deadline", "residency", "batch", "prefix", "fairness", "response", "pace", "memory", "energy",
    "wait",
)  # fmt: skip
"""The twelve factors of a score: what is needed (urgency, little work left, a deadline near), what is ready (the model
is loaded, the request can share a batch, its prompt is known), what is fair (the client had little, the model answers
in time, the reader of the answer waits for more), what the machine allows (memory, energy and heat), and the time
waited."""


class RequestState(StrEnum):
    """Where a request stands."""

    PREPARING = "preparing"  # its model is being found, its prompt or picture made ready
    LOADING = "loading"  # its model is being loaded
    WAITING = "waiting"  # not begun
    PAUSED = "paused"  # begun, and left its place to a more urgent one; what it has stays
    RUNNING = "running"


class Outcome(StrEnum):
    """How a request ended."""

    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FactorPart:
    """One factor of a score.

    Attributes:
        key: of the factor, one of `FACTORS`.
        value: of the factor, in [0, 1]; of the last one, the seconds waited.
        weight: points for a value of 1; of the last one, points per second.
        words: what it comes from, in a few words, such as `interactive` or `its model is loaded`.
    """

    key: str
    value: float
    weight: float
    words: str = ""

    @property
    def points(self) -> float:
        """What it adds to the score."""
        return self.value * self.weight


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedRequest:
    """A request that has not ended.

    Attributes:
        id: `r` and a number, unique in one engine.
        title: what it is about, as the client calls it; or the beginning of its prompt.
        form: `text`, `image` or `texts`.
        model: id of its model.
        client: who asked; empty for nobody in particular.
        urgency: as asked, or as changed since.
        level: the user's own weight, 0 (last) to 4 (first); 2 is usual.
        state: where it stands.
        lane: name of the lane that runs it or will: `cpu`, `cpu-graphs`, `gpu:0`...; empty while that is not known.
        position: among all that wait, 1 is next; 0 for one that runs.
        waited_s: since it arrived.
        score: total of `parts`; 0 where requests are not ordered by score.
        parts: the twelve factors, in the order of `FACTORS`; empty where requests are not ordered by score.
        reason: why it stands where it stands, in one sentence.
        starts_in_s: predicted, for one that waits; None where that cannot be said.
        ends_in_s: predicted; None where that cannot be said.
        load_progress: of its model, in [0, 1], while that is being loaded; else None.
        prompt_tokens: to be read; of texts and pictures 0.
        prompt_done: read so far.
        output_tokens: written so far; of texts and pictures, how many are done.
        output_expected: tokens, texts or pictures that it will come to, predicted.
        started_s: seconds since its first step; None if it has had none.
        prefilled_s: seconds since its prompt was read; None if it is not.
    """

    id: str
    title: str
    form: str
    model: str
    client: str
    urgency: Urgency
    level: int
    state: RequestState
    lane: str = ""
    position: int = 0
    waited_s: float = 0.0
    score: float = 0.0
    parts: tuple[FactorPart, ...] = ()
    reason: str = ""
    starts_in_s: float | None = None
    ends_in_s: float | None = None
    load_progress: float | None = None
    prompt_tokens: int = 0
    prompt_done: int = 0
    output_tokens: int = 0
    output_expected: int = 0
    started_s: float | None = None
    prefilled_s: float | None = None

    @property
    def progress(self) -> float:
        """Share of its work that is done, in [0, 1], prompt and answer counted alike."""
        total = self.prompt_tokens + max(self.output_expected, self.output_tokens)
        return (self.prompt_done + self.output_tokens) / total if total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRequest:
    """A request that has ended.

    Attributes:
        id, title, form, model, client, urgency, lane: as of `QueuedRequest`.
        outcome: how it ended.
        error: why it failed, in one sentence; else empty.
        ended_at: Unix time.
        waited_s: from arrival to its first step, loading included.
        load_s: of `waited_s`, what it waited for its model to load.
        prefill_s: from its first step until its prompt was read; 0 for texts and pictures.
        first_token_s: from arrival until the first token, or the result; None if it never came.
        total_s: from arrival to the end.
        prompt_tokens: of its prompt.
        output_tokens: tokens written, texts embedded, pictures recognised.
    """

    id: str
    title: str
    form: str
    model: str
    client: str
    urgency: Urgency
    outcome: Outcome
    ended_at: float
    lane: str = ""
    error: str = ""
    waited_s: float = 0.0
    load_s: float = 0.0
    prefill_s: float = 0.0
    first_token_s: float | None = None
    total_s: float = 0.0
    prompt_tokens: int = 0
    output_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneWork:
    """What one lane does now.

    Attributes:
        name: `cpu` (text on the processor), `cpu-graphs`, `gpu:0`, ...
        device: id of its device.
        threads: CPU threads it uses.
        model: id of the model whose step is the latest; empty if none.
        frozen: ids of models that admit nothing new, because a request before them needs their memory.
    """

    name: str
    device: str
    threads: int = 0
    model: str = ""
    frozen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSnapshot:
    """The queue at one moment.

    Attributes:
        requests: those that run, longest running first, then those that wait, next first; of very many that wait only
            the first ones.
        waiting_count: how many wait.
        ended: the latest ones that have ended, newest first.
        ended_today: how many have ended since midnight, as far as this engine ran.
        lanes: by name.
        order: name of the policy that orders requests, one of `engine.config.ORDERS`.
        is_paused: whether nothing new begins, because somebody paused the queue.
        overtaken_at_most_s: a request that arrives this much later than another never begins before it on the same
            lane; None where the order does not promise that.
        loading: share loaded, in [0, 1], by model id.
    """

    requests: tuple[QueuedRequest, ...] = ()
    waiting_count: int = 0
    ended: tuple[EndedRequest, ...] = ()
    ended_today: int = 0
    lanes: tuple[LaneWork, ...] = ()
    order: str = "hearth"
    is_paused: bool = False
    overtaken_at_most_s: float | None = None
    loading: Mapping[str, float] = field(default_factory=dict)

    @property
    def running(self) -> tuple[QueuedRequest, ...]:
        """Those that have begun and were not paused."""
        return tuple(request for request in self.requests if request.state is RequestState.RUNNING)

    @property
    def waiting(self) -> tuple[QueuedRequest, ...]:
        """All others, next first."""
        return tuple(request for request in self.requests if request.state is not RequestState.RUNNING)
