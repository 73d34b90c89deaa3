"""Simulator: replays a trace against a virtual clock, through the same roster, orders and budget as the engine.

What a machine does is told by a few rates: the seconds that a step of so many rows takes, the seconds per prompt token,
the seconds of loading. Lanes and the loader go on side by side and slow each other down by measured shares. Equal
inputs give equal results.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from engine.bench.replays import Replay, Served
from engine.bench.traces import Trace, TracedRequest
from engine.memory.budget import MemoryBudget, Room
from engine.requests import Urgency
from engine.scheduling.entries import DUE_S, Entry, Need
from engine.scheduling.learned import Learned
from engine.scheduling.policy import Policy, Turn
from engine.scheduling.roster import Roster
from engine.scheduling.steps import ALONE_PREFILL_S, LEAST_PREFILL_TOKENS, SHARED_PREFILL_S

DEVICE: Final = "cpu"
TEXT: Final = "cpu"
GRAPHS: Final = "cpu-graphs"
_LOOK_AGAIN_S: Final = 0.1
"""Scores change with time: whoever has nothing to do looks again after this long."""
_URGENT_FIRST: Final = (Urgency.INTERACTIVE, Urgency.NORMAL, Urgency.BATCH)
_STUCK_S: Final = 600.0
_TASK: Final = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How fast a model is.

    Attributes:
        size_bytes: in memory.
        load_s: seconds of loading it.
        prefill_s: seconds per prompt token.
        steps: rows of a step and the seconds that it takes, by rows; between them it is a line.
        slots: requests that may run together.
    """

    size_bytes: int
    load_s: float
    prefill_s: float
    steps: Sequence[tuple[int, float]]
    slots: int = 8

    def decode_s(self, rows: int) -> float:
        """Seconds of a step of so many rows."""
        known = dict(self.steps)
        return known[rows] if rows in known else float(np.interp(rows, [*known], [*known.values()]))

    def line(self) -> tuple[float, float]:
        """Seconds that every step costs, and those that each row adds: what the engine would learn."""
        rows, seconds = np.array([*dict(self.steps)]), np.array([*dict(self.steps).values()])
        if len(rows) == 1:
            return 0.0, float(seconds[0] / rows[0])
        slope, base = np.polyfit(rows, seconds, 1)
        return max(0.0, float(base)), max(1e-6, float(slope))

    def alone_s(self, request: TracedRequest) -> float:
        """Seconds that a request takes alone, the model loaded and nothing of its prompt known."""
        return request.prompt_tokens * self.prefill_s + request.max_tokens * self.decode_s(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a trace is replayed on.

    Attributes:
        models: rates by name in the trace.
        crowding: by how much longer than their turn steps take while lanes with text run at the same time; 1: no more;
            less than 1 where one leaves cores idle that others can use.
        loading_slows: share that a step takes longer while a model is loaded.
        steps_slow: share that loading takes longer while there are steps.
        chunk_tokens: most prompt tokens per step.
    """

    models: Mapping[str, Rates]
    crowding: float = 1.0
    loading_slows: float = 0.0
    steps_slow: float = 0.0
    chunk_tokens: int = 512

    def alone_s(self, request: TracedRequest) -> float:
        """Seconds that a request takes alone."""
        return self.models[request.model].alone_s(request)

    @property
    def longest_load_s(self) -> float:
        """Of the model that takes longest."""
        return max(rates.load_s for rates in self.models.values())


@dataclass(slots=True, eq=False)
class _Asked:
    """A request on its way; its entry's payload."""

    request: TracedRequest
    first_s: float = 0.0


@dataclass(slots=True)
class _Step:
    """A step that is under way: what each request will have read and written when it ends."""

    need: Need
    until_s: float
    began_s: float
    did: list[tuple[Entry, int, int]] = field(default_factory=list)


class Simulator:
    """One replay."""

    def __init__(
        self,
        trace: Trace,
        machine: Machine,
        policy: Policy,
        *,
        order: str = "",
        has_own_lanes: bool = False,
        headroom: float = 1.0,
        watch: Callable[["Simulator"], None] = lambda _simulator: None,
    ) -> None:
        """Prepare a replay.

        Args:
            trace: what is asked.
            machine: how fast it goes.
            policy: orders the requests.
            order: its name, for the result.
            has_own_lanes: whether every model has a lane of its own, and memory knows no limit.
            headroom: of heat and battery, as the roster has it.
            watch: told after every event.
        """
        self.now_s = 0.0
        self.roster = Roster(self._room_for)
        self.roster.headroom = headroom
        self.budget = MemoryBudget(None if has_own_lanes else trace.memory_budget_bytes)
        self.served: list[Served] = []
        self._machine, self._policy, self._order = machine, policy, order
        self._coming = list(reversed(trace.requests))
        self._needs = {name: self._need(trace, name, has_own_lanes) for name in trace.models}
        self._steps: dict[str, _Step] = {}
        self._loading: tuple[Need, float] | None = None
        self._held: set[tuple[str, str]] = set()  # model and client, whose shared prefix is known
        self._learned = Learned(None)
        self._looked: tuple[int, float] = (-1, 0.0)
        self._moved_s = 0.0
        self._loads, self._loaded_bytes, self._most_bytes = 0, 0, 0
        self._watch = watch

    def run(self) -> Replay:
        """Replay all of it.

        Raises:
            RuntimeError: nothing happens any more, though requests wait.
        """
        while self._coming or any(len(table) for table in self.roster.tables.values()):
            self._arrive()
            self._load()
            for lane in list(self.roster.tables):
                if lane not in self._steps:
                    self._begin_step(lane)
            self._watch(self)
            self._advance()
        return Replay(
            order=self._order,
            served=self.served,
            loads=self._loads,
            loaded_bytes=self._loaded_bytes,
            most_bytes=self._most_bytes,
        )

    def _need(self, trace: Trace, name: str, has_own_lanes: bool) -> Need:
        rates = self._machine.models[name]
        step_s, row_s = rates.line()
        shared = GRAPHS if trace.models[name].takes_images else TEXT
        return self.roster.add_need(
            Need(
                key=name,
                name=name,
                lane=name if has_own_lanes else shared,
                device=DEVICE,
                size_bytes=rates.size_bytes,
                slots=rates.slots,
                load_s=rates.load_s,
                prefill_s=rates.prefill_s,
                step_s=step_s,
                row_s=row_s,
            )
        )

    def _room_for(self, need: Need, spare: Collection[object]) -> Room:
        return self.budget.room_for(need.size_bytes, self.now_s, spare)

    def _arrive(self) -> None:
        while self._coming and self._coming[-1].at_s <= self.now_s:
            request = self._coming.pop()
            self._moved_s = self.now_s
            need = self._needs[request.model]
            entry = Entry(
                need=need,
                client=request.client,
                urgency=request.urgency,
                arrived_s=request.at_s,
                due_s=DUE_S[request.urgency],
                prompt_tokens=request.prompt_tokens,
                output_tokens=self._learned.expected_tokens(request.model, _TASK, request.max_tokens),
                known_tokens=self._known(request),
                payload=_Asked(request),
            )
            self.roster.add(entry)
            self.budget.want(need.key, len(need.waiting))

    def _known(self, request: TracedRequest) -> int:
        if (request.model, request.client) not in self._held:
            return 0
        return min(request.shared_prefix, request.prompt_tokens - 1)

    def _load(self) -> None:
        """What the loader does when it has nothing to do."""
        if self._loading is not None:
            return
        version, looked_s = self._looked
        if version == self.roster.version and self.now_s < looked_s + _LOOK_AGAIN_S:
            return
        want = self._policy.want(self.roster, DEVICE, self.now_s)
        frozen = () if want is None or want.can_load else want.freeze
        for need in self._needs.values():
            need.is_frozen = need in frozen
            need.is_leaving = need.is_frozen and want is not None and want.suspend
        self._looked = self.roster.version, self.now_s
        if want is None or not want.can_load:
            return
        need = want.need
        for key in self._room_for(need, want.spare).victims:
            self.budget.remove(key)
            self.roster.set_resident(self._needs[str(key)], self.now_s, is_resident=False)
        self.budget.add(need.key, need.size_bytes, need.load_s, self.now_s)
        need.is_loading = True
        slower = 1 + self._machine.steps_slow if self._steps else 1.0
        self._loading = need, self.now_s + need.load_s * slower
        self._loads += 1
        self._loaded_bytes += need.size_bytes
        self._most_bytes = max(self._most_bytes, self.budget.used_bytes)

    def _begin_step(self, lane: str) -> None:
        turn = self._turn(lane)
        if turn is None:
            return
        need = turn.need
        for entry in turn.suspend:
            self._leave(entry)
            self.roster.suspend(entry)
        for entry in turn.admit:
            self.roster.begin(entry, self.now_s)
            self.budget.hold(need.key, self.now_s)
            entry.read_tokens = max(entry.read_tokens, self._known(_asked(entry).request))
        self.budget.want(need.key, len(need.waiting))
        resting = {id(entry) for entry in turn.rest}
        active = [entry for entry in need.running.values() if id(entry) not in resting]
        active.sort(key=lambda entry: (_URGENT_FIRST.index(entry.urgency), entry.id))
        if active:
            self._steps[lane] = self._step(need, active)

    def _turn(self, lane: str) -> Turn | None:
        for need in self.roster.needs_of(lane):
            if need.is_leaving and need.running:
                return Turn(need=need, suspend=tuple(need.running.values()))
        return self._policy.turn(self.roster, lane, self.now_s)

    def _leave(self, entry: Entry) -> None:
        self.budget.let_go(entry.need.key, self.now_s)
        self._moved_s = self.now_s

    def _step(self, need: Need, active: Sequence[Entry]) -> _Step:
        """One step: a token for each that writes, and a chunk of the prompts of the others."""
        rates = self._machine.models[need.name]
        budget = self._chunk(need, active)
        did: list[tuple[Entry, int, int]] = []
        rows = read = 0
        for entry in active:
            left = entry.prompt_tokens - entry.read_tokens
            if left <= 0 or _asked(entry).request.is_image:
                did.append((entry, max(0, left), 1))
                rows += 1
            elif budget - read > 0:
                chunk = min(left, budget - read)
                did.append((entry, chunk, int(chunk == left)))
                read += chunk
        duration_s = rates.decode_s(rows) if rows else rates.line()[0]
        duration_s = self._beside(need.lane, duration_s, read * rates.prefill_s)
        return _Step(need, self.now_s + duration_s, self.now_s, did)

    def _chunk(self, need: Need, active: Sequence[Entry]) -> int:
        """As much as a short pause allows while somebody's answer flows; more, but not for long, while none does."""
        most, prefill_s = self._machine.chunk_tokens, self._machine.models[need.name].prefill_s
        table = self.roster.tables[need.lane]
        flows = any(
            entry.is_running and entry.written_tokens and entry.urgency is not Urgency.BATCH for entry in table.entries
        )
        if not flows and len(active) == 1 and all(entry.is_running for entry in table.entries):
            return most
        fitting = int((SHARED_PREFILL_S if flows else ALONE_PREFILL_S) / prefill_s)
        return max(LEAST_PREFILL_TOKENS, min(most, fitting))

    def _beside(self, lane: str, decode_s: float, read_s: float) -> float:
        """How long a step takes because of what goes on beside it: steps of other lanes, and loading until it ends."""
        beside = [other for other in self._steps if other != lane]
        if lane != GRAPHS and any(other != GRAPHS for other in beside):
            decode_s *= self._machine.crowding
            read_s *= max(1.0, self._machine.crowding)  # reading leaves no core idle that others could use
        duration_s = (decode_s + read_s) * (1 + len(beside))
        if self._loading is None:
            return duration_s
        loading_s = self._loading[1] - self.now_s
        done_s = loading_s / (1 + self._machine.loading_slows)
        return (
            duration_s * (1 + self._machine.loading_slows) if duration_s <= done_s else loading_s + duration_s - done_s
        )

    def _advance(self) -> None:
        """Go on to the next event, and let it happen."""
        times = [step.until_s for step in self._steps.values()]
        if self._loading is not None:
            times.append(self._loading[1])
        if self._coming:
            times.append(self._coming[-1].at_s)
        if self._loading is None or not self._steps:
            times.append(self.now_s + _LOOK_AGAIN_S)
        self.now_s = max(self.now_s, min(times))
        if self.now_s > self._moved_s + _STUCK_S:
            raise RuntimeError(f"nothing has moved since {self._moved_s:.1f} s under {self._order or self._policy}")
        if self._loading is not None and self._loading[1] <= self.now_s:
            need, _ = self._loading
            self._loading, self._moved_s = None, self.now_s
            self.roster.set_resident(need, self.now_s, is_resident=True)
        for lane, step in list(self._steps.items()):
            if step.until_s <= self.now_s:
                del self._steps[lane]
                self._end_step(step)

    def _end_step(self, step: _Step) -> None:
        self._moved_s = self.now_s
        lane_s = step.until_s - step.began_s
        for entry, read, written in step.did:
            had_none = not entry.written_tokens
            self.roster.stepped(entry, self.now_s, lane_s / len(step.did), read=read, written=written)
            asked = _asked(entry)
            if had_none and written:
                asked.first_s = self.now_s
                self.roster.first_token(entry, self.now_s)
                if asked.request.shared_prefix:
                    self._held.add((asked.request.model, asked.request.client))
            if entry.written_tokens >= asked.request.max_tokens:
                self._finish(entry, asked)

    def _finish(self, entry: Entry, asked: _Asked) -> None:
        self.budget.let_go(entry.need.key, self.now_s)
        self.roster.remove(entry)
        self._learned.note_answer(asked.request.model, _TASK, asked.request.max_tokens, is_cut=True)
        self.served.append(
            Served(
                request=asked.request,
                arrived_s=entry.arrived_s,
                began_s=entry.began_s if entry.began_s is not None else self.now_s,
                first_s=asked.first_s,
                ended_s=self.now_s,
                lane=entry.need.lane,
            )
        )


def _asked(entry: Entry) -> _Asked:
    assert isinstance(entry.payload, _Asked)
    return entry.payload
