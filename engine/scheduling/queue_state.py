"""QueueState: the roster and the policy that orders it, shared by the lanes, the loaders and the front ends.

There is one lock. What it guards takes microseconds, or half a millisecond with ten thousand requests; computing and
loading happen outside.
"""

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable

from engine.backends.base import DeviceTarget, LoadedModel
from engine.memory.budget import Room
from engine.memory.residency import Place, Residency
from engine.scheduling.entries import DUE_S, Entry, Need
from engine.scheduling.history import History
from engine.scheduling.job import Job
from engine.scheduling.learned import Learned
from engine.scheduling.policies import policy_of
from engine.scheduling.policy import Policy
from engine.scheduling.priority import Weights, weights_of
from engine.scheduling.roster import Roster
from engine.scheduling.tickets import Ticket
from engine.types import ModelInfo

Wake = Callable[[str], None]


class QueueState:
    """What the queue consists of.

    Thread: any; hold `changed` to touch anything but the attributes that never change.

    Attributes:
        changed: the lock; notified when something that a loader or an announcer waits for has changed.
        roster: all requests that were placed.
        policy: orders them.
        order: its name.
        weights: of the twelve factors.
        tickets: all requests that have not ended, by number.
        models: what is loaded, by key of the need.
        homes: the file and the device behind the key of a need.
        fresh: requests that have become ready, by lane; the lane looks how much of their prompts is known.
        orphans: requests that ended while they were suspended, by lane, to be let go there.
        loading: share that is loaded, by key of the need.
        learned: what earlier requests have shown.
        history: requests that have ended.
        clock: monotonic seconds.
        closed: set once the engine is closing.
    """

    def __init__(
        self,
        order: str,
        weights: Weights | None,
        learned: Learned,
        wake: Wake,
        headroom: Callable[[], float] = lambda: 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make an empty queue.

        Args:
            order: name of a policy.
            weights: of the twelve factors; the default ones if not given.
            learned: what earlier requests have shown.
            wake: tells a lane to look again.
            headroom: 1 where battery and heat allow work that nobody waits for, 0 where they do not.
            clock: monotonic seconds.
        """
        self.changed = threading.Condition(threading.RLock())
        self.weights = weights if weights is not None else weights_of()
        self.roster = Roster(self._room_for)
        self.order = order
        self.policy: Policy = policy_of(order, self.weights)
        self.tickets: dict[int, Ticket] = {}
        self.models: dict[Hashable, LoadedModel] = {}
        self.homes: dict[Hashable, tuple[ModelInfo, DeviceTarget, int]] = {}
        self.fresh: defaultdict[str, list[Ticket]] = defaultdict(list)
        self.orphans: defaultdict[str, list[Job]] = defaultdict(list)
        self.loading: dict[Hashable, float] = {}
        self.learned = learned
        self.history = History()
        self.clock = clock
        self.closed = threading.Event()
        self._wake = wake
        self._headroom = headroom
        self._numbers = itertools.count(1)
        self._residency: Residency | None = None

    def attach(self, residency: Residency) -> None:
        """Name who keeps the models; it is made after the queue."""
        self._residency = residency

    @property
    def is_closed(self) -> bool:
        """Whether the engine is closing."""
        return self.closed.is_set()

    def next_number(self) -> int:
        """A number for a request that arrives."""
        return next(self._numbers)

    def notify(self) -> None:
        """Let loaders and announcers look again. Hold `changed`."""
        self.changed.notify_all()

    def wake(self, lane: str) -> None:
        """Let a lane look again."""
        self._wake(lane)

    def wake_all(self) -> None:
        """Let all lanes look again. Hold `changed`."""
        for lane, table in self.roster.tables.items():
            if len(table):
                self._wake(lane)

    def look(self) -> None:
        """Take account of battery and heat. Hold `changed`."""
        self.roster.headroom = self._headroom()

    def entry_of(self, ticket: Ticket, need: Need) -> Entry:
        """Put a request into the roster's terms. Hold `changed`."""
        ask, clock = ticket.journey.ask, ticket.clock
        deadline_s = None if ticket.deadline_s is None else clock.arrived_s + ticket.deadline_s
        expected = ask.output_tokens
        if ask.form == "text":
            expected = self.learned.expected_tokens(need.name, ask.task, ask.most_tokens)
        return Entry(
            id=ticket.number,
            need=need,
            client=ticket.label.client,
            urgency=ticket.urgency,
            level=ticket.level,
            arrived_s=clock.arrived_s,
            due_s=DUE_S[ticket.urgency],
            deadline_s=deadline_s,
            prompt_tokens=ask.prompt_tokens,
            output_tokens=max(1, expected),
            payload=ticket,
            is_ready=False,
        )

    def recall(self, need: Need) -> None:
        """Take over what earlier runs learned about a model that is met for the first time. Hold `changed`."""
        assert self._residency is not None
        if (load_s := self.learned.load_s(need.name)) is not None:
            self._residency.load_times.teach({need.name: load_s})
        self.refresh(need)

    def refresh(self, need: Need) -> None:
        """Take over what was learned about a model. Hold `changed`."""
        learned = self.learned
        need.load_s = learned.load_s(need.name) or need.load_s
        if rate := learned.prefill_tokens_per_s(need.name, need.device):
            need.prefill_s = 1 / rate
        one, two = (learned.step_s(need.name, need.device, rows) for rows in (1, 2))
        if one and two:
            need.row_s = max(1e-6, two - one)
            need.step_s = max(0.0, one - need.row_s)

    def _room_for(self, need: Need, spare: Collection[Hashable]) -> Room:
        assert self._residency is not None
        info, target, needed_bytes = self.homes[need.key]
        places = [key for key in spare if isinstance(key, Place)]
        return self._residency.room_for(info, target, needed_bytes, places)


def ticket_of(entry: Entry) -> Ticket:
    """The request behind an entry."""
    assert isinstance(entry.payload, Ticket)
    return entry.payload


def place_at(need: Need) -> Place:
    """Where a model is, or would be."""
    assert isinstance(need.key, Place)
    return need.key
