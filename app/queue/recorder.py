"""Recorder: what ran and was loaded in the last twenty seconds, put together from looks at the queue.

A snapshot says what runs now and how long the latest ones took that have ended; what a lane did ten seconds ago is what
was seen then. What began and ended between two looks is taken from the timings of ended requests.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from engine.queueing import EndedRequest, QueuedRequest, QueueSnapshot, RequestState

PAST_S: Final = 20.0
AHEAD_S: Final = 20.0
_LOOKED_AT: Final = 256  # waiting requests that may have a place in the next seconds
_MOST_PLANS: Final = 16  # answers that are planned on one lane; there is no room for more
_SHORT_S: Final = 2.0  # what is planned without an end is shown this long
_SAME_STEP_S: Final = 0.06  # pictures that begin and end this close to each other were one step


class Kind(Enum):
    """What a block of the timeline is: its word in the legend, and the role of its colour."""

    ANSWERING = ("answering", "chart-1")
    READING = ("reading the prompt", "chart-2")
    LOADING = ("loading", "chart-6")
    PICTURES = ("pictures", "chart-3")
    PLANNED = ("planned", "border-strong")

    @property
    def word(self) -> str:
        """In the legend."""
        return self.value[0]

    @property
    def role(self) -> str:
        """Of its colour."""
        return self.value[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of work on a lane.

    Attributes:
        lane: its name.
        kind: what it is; of one that is planned, what it will be.
        start_s: seconds from now, negative in the past.
        end_s: likewise; predicted where it is in the future.
        title: of the request; or how many pictures.
        model: id of its model.
        request: id of the (first) request; empty for a load.
        is_planned: whether it has not begun.
        count: requests that it stands for.
    """

    lane: str
    kind: Kind
    start_s: float
    end_s: float
    title: str = ""
    model: str = ""
    request: str = ""
    is_planned: bool = False
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One stretch in which a request ran, in seconds since 1970; what is None has not happened yet."""

    request: str
    lane: str
    form: str
    title: str
    model: str
    start: float
    read_until: float | None = None
    until: float | None = None
    ends: float | None = None  # predicted


@dataclass(frozen=True, slots=True)
class _Load:
    model: str
    lane: str
    start: float
    fraction: float = 0.0
    until: float | None = None


class Recorder:
    """Keeps stretches of work until they leave the window.

    Thread: UI only.
    """

    def __init__(self) -> None:
        self._running: dict[str, _Run] = {}
        self._past: list[_Run] = []
        self._loading: dict[str, _Load] = {}
        self._loaded: list[_Load] = []
        self._ended: set[str] = set()  # ids whose timings have been taken
        self._snapshot = QueueSnapshot()
        self._now = 0.0

    def see(self, snapshot: QueueSnapshot, running: Sequence[QueuedRequest], now_s: float) -> None:
        """Take a look.

        Args:
            snapshot: the queue.
            running: its requests that run.
            now_s: when that was, in seconds since 1970.
        """
        self._snapshot, self._now = snapshot, now_s
        self._see_loads(snapshot)
        self._see_ended(snapshot.ended)
        self._see_running(running)
        oldest = now_s - PAST_S
        self._past = [run for run in self._past if run.until is None or run.until > oldest]
        self._loaded = [load for load in self._loaded if load.until is None or load.until > oldest]

    def blocks(self, waiting: Sequence[QueuedRequest]) -> list[Block]:
        """Everything between twenty seconds ago and in twenty seconds, as of the last look; earliest first.

        Args:
            waiting: of that look, next first; a few hundred of them are looked at.
        """
        now = self._now
        found = list(_together(self._of_loads()))
        runs = sorted((*self._past, *self._running.values()), key=lambda run: run.start)
        found += _together(block for run in runs for block in _blocks_of(run, now))
        found += _plans(waiting, self._snapshot.is_paused)
        found = [block for block in found if block.end_s > -PAST_S and block.start_s < AHEAD_S]
        return sorted(found, key=lambda block: (block.is_planned, block.start_s))

    # ---------------------------------------------------------------------------------------------------------- seeing

    def _see_running(self, running: Sequence[QueuedRequest]) -> None:
        now = self._now
        wanted = {request.id: request for request in running if request.lane}
        for gone in [key for key in self._running if key not in wanted]:
            run = self._running.pop(gone)
            if gone not in self._ended:  # paused, or forgotten by the engine
                self._past.append(replace(run, until=now, ends=None))
        paused = {run.request for run in self._past}
        for request in wanted.values():
            known = self._running.get(request.id)
            start = now - (request.started_s or 0.0) if request.id not in paused else now
            read = now - request.prefilled_s if request.prefilled_s is not None else None
            self._running[request.id] = _Run(
                request=request.id,
                lane=request.lane,
                form=request.form,
                title=request.title,
                model=request.model,
                start=known.start if known is not None else start,
                read_until=known.read_until if known is not None and known.read_until is not None else read,
                ends=now + request.ends_in_s if request.ends_in_s is not None else None,
            )

    def _see_ended(self, ended: Iterable[EndedRequest]) -> None:
        oldest = self._now - PAST_S
        seen = set()
        for request in ended:
            if request.ended_at < oldest:
                break  # the newest are first
            seen.add(request.id)
            if request.id not in self._ended:
                self._take_ended(request)
        self._ended = seen

    def _take_ended(self, request: EndedRequest) -> None:
        run = self._running.pop(request.id, None)
        first = request.ended_at - request.total_s + request.waited_s
        read = first + request.prefill_s if request.prefill_s else None
        if run is None and request.lane and request.waited_s < request.total_s:
            run = _Run(
                request=request.id,
                lane=request.lane,
                form=request.form,
                title=request.title,
                model=request.model,
                start=first,
                read_until=read,
            )
        if run is not None:
            until = max(request.ended_at, run.start)
            self._past.append(replace(run, read_until=run.read_until or read, until=until, ends=None))
        if request.load_s > 0 and request.lane and not self._knows_load(request.model, first):
            self._loaded.append(_Load(request.model, request.lane, first - request.load_s, until=first))

    def _knows_load(self, model: str, until: float) -> bool:
        loads = (*self._loaded, *self._loading.values())
        return any(load.model == model and load.start < until for load in loads)

    def _see_loads(self, snapshot: QueueSnapshot) -> None:
        for model in [model for model in self._loading if model not in snapshot.loading]:
            self._loaded.append(replace(self._loading.pop(model), fraction=1.0, until=self._now))
        for model, fraction in snapshot.loading.items():
            known = self._loading.get(model)
            lane = known.lane if known is not None else ""
            lane = lane or _lane_that_loads(model, snapshot)
            start = known.start if known is not None else self._now
            self._loading[model] = _Load(model, lane, start, fraction)

    def _of_loads(self) -> Iterator[Block]:
        for load in (*self._loaded, *self._loading.values()):
            if not load.lane:
                continue
            took = self._now - load.start
            left = took * (1 - load.fraction) / load.fraction if load.until is None and load.fraction > 0 else 0.0
            end = load.until - self._now if load.until is not None else min(left, AHEAD_S)
            yield Block(
                lane=load.lane, kind=Kind.LOADING, start_s=-took, end_s=end, title=f"Load {load.model}"
            )  # fmt: skip


def _lane_that_loads(model: str, snapshot: QueueSnapshot) -> str:
    loading = (r.lane for r in snapshot.requests if r.model == model and r.state is RequestState.LOADING and r.lane)
    lanes = snapshot.lanes
    return next(loading, lanes[0].name if len(lanes) == 1 else "")


def _blocks_of(run: _Run, now: float) -> Iterator[Block]:
    start = run.start - now
    end = run.until - now if run.until is not None else max(0.0, (run.ends or now) - now)
    base = Block(
        lane=run.lane, kind=Kind.PICTURES, start_s=start, end_s=end, title=run.title, model=run.model,
        request=run.request,
    )  # fmt: skip
    if run.form == "image":
        yield base
        return
    if run.form == "texts":
        yield replace(base, kind=Kind.READING)
        return
    read = run.read_until - now if run.read_until is not None else None
    if read is None:
        yield replace(base, kind=Kind.READING, end_s=min(end, 0.0) if run.until is None else end)
        if run.until is None and end > 0:
            yield replace(base, kind=Kind.ANSWERING, start_s=0.0, is_planned=True)
        return
    read = min(max(read, start), end)
    if read > start:
        yield replace(base, kind=Kind.READING, end_s=read)
    yield replace(base, kind=Kind.ANSWERING, start_s=read)


def _together(blocks: Iterable[Block]) -> Iterator[Block]:
    """Join pictures of one step to one block that says how many they were."""
    steps: dict[tuple[str, str], Block] = {}
    for block in blocks:
        if block.kind is not Kind.PICTURES or block.is_planned:
            yield block
            continue
        key = (block.lane, block.model)
        open_one = steps.get(key)
        if open_one is not None and _is_same_step(open_one, block):
            steps[key] = replace(open_one, end_s=max(open_one.end_s, block.end_s), count=open_one.count + block.count)
            continue
        if open_one is not None:
            yield open_one
        steps[key] = block
    yield from steps.values()


def _is_same_step(one: Block, other: Block) -> bool:
    return abs(one.start_s - other.start_s) < _SAME_STEP_S and abs(one.end_s - other.end_s) < 4 * _SAME_STEP_S


def _plans(waiting: Sequence[QueuedRequest], is_paused: bool) -> Iterator[Block]:
    """What is to come: nothing while new work is paused; pictures of one model are one block."""
    if is_paused:
        return
    pictures: dict[tuple[str, str], Block] = {}
    texts: Counter[str] = Counter()
    for request in waiting[:_LOOKED_AT]:
        if request.starts_in_s is None or request.starts_in_s > AHEAD_S or not request.lane:
            continue
        start = max(0.0, request.starts_in_s)
        end = max(request.ends_in_s if request.ends_in_s is not None else start + _SHORT_S, start)
        kind = Kind.PICTURES if request.form == "image" else Kind.ANSWERING
        block = Block(
            lane=request.lane, kind=kind, start_s=start, end_s=end, title=request.title, model=request.model,
            request=request.id, is_planned=True,
        )  # fmt: skip
        if kind is not Kind.PICTURES:
            texts[request.lane] += 1
            if texts[request.lane] <= _MOST_PLANS:
                yield block
            continue
        key = (request.lane, request.model)
        known = pictures.get(key, replace(block, count=0))
        pictures[key] = replace(
            known,
            start_s=min(known.start_s, start),
            end_s=max(known.end_s, end),
            count=known.count + max(1, request.output_expected),
        )
    yield from pictures.values()


class Tracks:
    """Puts blocks of one lane below each other where they overlap; a request stays where it was put.

    Thread: UI only.
    """

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def place(self, blocks: Sequence[Block]) -> list[int]:
        """Track of each block, from 0; blocks must be sorted by start, planned ones last."""
        taken: list[list[tuple[float, float]]] = []
        places: dict[int, int] = {}
        kept: dict[str, int] = {}
        first = [at for at, block in enumerate(blocks) if block.request in self._known and not block.is_planned]
        for at in (*first, *(at for at in range(len(blocks)) if at not in set(first))):
            block = blocks[at]
            wished = kept.get(block.request, self._known.get(block.request)) if block.request else None
            track = _free_track(taken, block, wished)
            places[at] = track
            if block.request and not block.is_planned:
                kept[block.request] = track
        self._known = kept
        return [places[at] for at in range(len(blocks))]


def _free_track(taken: list[list[tuple[float, float]]], block: Block, wished: int | None) -> int:
    """Take the wished track if it is free, else the first that is; a new one where none is."""
    tracks = list(range(len(taken) + 1))
    for track in tracks if wished is None else [wished, *tracks]:
        while len(taken) <= track:
            taken.append([])
        if all(block.end_s <= start + 1e-6 or block.start_s >= end - 1e-6 for start, end in taken[track]):
            taken[track].append((block.start_s, block.end_s))
            return track
    raise AssertionError(block)  # the last one is always free
