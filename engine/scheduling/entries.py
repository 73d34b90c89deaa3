"""Entries of the roster: a model that is needed, and a request that needs it."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from engine.requests import USUAL_LEVEL, Urgency

DUE_S: Final = {Urgency.INTERACTIVE: 2.0, Urgency.NORMAL: 15.0, Urgency.BATCH: 180.0}
"""Seconds to the first token that people accept, by urgency, unless the request names a deadline. The first is where
people begin to doubt that anything happens; the others are guesses."""
UNKNOWN_LOAD_S: Final = 3.0
UNKNOWN_PREFILL_S: Final = 1 / 200
UNKNOWN_ROW_S: Final = 1 / 20


@dataclass(slots=True, eq=False, kw_only=True)
class Need:
    """A model at a place, as far as ordering requests goes.

    Attributes:
        key: names it, as in the books of memory.
        name: id of the model.
        lane: name of the lane that runs it.
        device: where it is, or would be.
        size_bytes: that it takes, or is expected to take.
        slots: requests that may run together.
        is_resident: whether it is loaded.
        is_loading: whether it is being loaded.
        is_frozen: whether it admits nothing new, because a request before its own needs its memory.
        is_leaving: whether its running requests give up their places at once, for the same reason.
        is_full: whether it has no room for more until a request leaves, although it has slots.
        load_s: predicted seconds of loading it.
        prefill_s: seconds per prompt token.
        step_s: seconds of a step that every one costs, whatever the number of rows.
        row_s: seconds that each row (a sequence that writes, an image, a batch of texts) adds to a step.
        lateness: recent time to the first token over what it should be.
        evicted: bytes of others that must go for it, over its own; 0 if it is loaded.
        resident_s: when it was loaded.
        refusals: loads of it in a row that found no room although there seemed to be some.
        waiting: requests that have not begun, or were suspended.
        running: requests that have begun.
        index: of its column in the table of its lane.
    """

    key: Hashable
    name: str
    lane: str
    device: str
    size_bytes: int = 0
    slots: int = 1
    is_resident: bool = False
    is_loading: bool = False
    is_frozen: bool = False
    is_leaving: bool = False
    is_full: bool = False
    load_s: float = UNKNOWN_LOAD_S
    prefill_s: float = UNKNOWN_PREFILL_S
    step_s: float = 0.0
    row_s: float = UNKNOWN_ROW_S
    lateness: float = 0.0
    evicted: float = 0.0
    resident_s: float = 0.0
    refusals: int = 0
    waiting: "dict[int, Entry]" = field(default_factory=dict)
    running: "dict[int, Entry]" = field(default_factory=dict)
    index: int = 0

    @property
    def has_work(self) -> bool:
        """Whether anybody needs it."""
        return bool(self.waiting or self.running)

    @property
    def free_slots(self) -> int:
        """Requests that may still begin."""
        return 0 if self.is_full else max(0, self.slots - len(self.running))

    @property
    def token_s(self) -> float:
        """Seconds per token of one answer, in the company that it has now."""
        return self.step_s + self.row_s * max(1, len(self.running))


@dataclass(slots=True, eq=False, kw_only=True)
class Entry:
    """A request in the roster.

    Attributes:
        need: the model that it needs.
        client: who asked.
        urgency: how soon it is needed.
        level: the user's own weight, 0 to 4.
        arrived_s: when it arrived; its age counts from here whatever happens.
        due_s: seconds that its kind may take until the first token.
        deadline_s: when the whole result should be there; None for no wish of its own.
        prompt_tokens: of its prompt.
        output_tokens: that it is expected to come to; steps of an embedding, 1 for an image.
        known_tokens: of its prompt, whose KV is held.
        payload: what its owner needs to run it.
        id: counts arrivals; ties go to the smaller.
        is_ready: whether it can begin as soon as its model is there: its prompt is read into tokens.
        is_running: whether it has a place in the batch.
        read_tokens: of its prompt, so far.
        written_tokens: of its answer, so far.
        began_s: when it had its first step; None before.
        first_s: when its first token came; None before.
        stepped_s: when it had its latest step.
        steps: since it got its place.
        raised: points that a person gave it by moving it up.
        row: where it is in the table of its lane.
    """

    need: Need
    client: str = ""
    urgency: Urgency = Urgency.INTERACTIVE
    level: int = USUAL_LEVEL
    arrived_s: float
    due_s: float = DUE_S[Urgency.INTERACTIVE]
    deadline_s: float | None = None
    prompt_tokens: int = 1
    output_tokens: int = 1
    known_tokens: int = 0
    payload: object = None
    id: int = -1
    is_ready: bool = True
    is_running: bool = False
    read_tokens: int = 0
    written_tokens: int = 0
    began_s: float | None = None
    first_s: float | None = None
    stepped_s: float = 0.0
    steps: int = 0
    raised: float = 0.0
    row: int = -1

    @property
    def unread_tokens(self) -> int:
        """Of its prompt, still to be computed."""
        return max(0, self.prompt_tokens - max(self.read_tokens, self.known_tokens))

    @property
    def unwritten_tokens(self) -> int:
        """Of its answer, as far as one can guess; at least 1."""
        return max(1, self.output_tokens - self.written_tokens)
