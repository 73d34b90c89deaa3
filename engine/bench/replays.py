"""What came of replaying a trace, for real or in simulation, and the figures that tell orders apart."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from engine.bench.traces import TracedRequest
from engine.requests import Urgency
from engine.scheduling.entries import DUE_S
from engine.scheduling.priority import HORIZON_S

TOKEN_DUE_S: Final = 0.25
"""Most seconds per token of an answer that somebody reads: four tokens per second, a slow reader's pace."""
SHARES: Final = (50, 95, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One request of a trace and its times, in seconds from the start of the trace.

    Attributes:
        request: as the trace has it.
        arrived_s: when it really arrived.
        began_s: its first step.
        first_s: its first token, or its result.
        ended_s: its last one.
        lane: where it ran.
    """

    request: TracedRequest
    arrived_s: float
    began_s: float
    first_s: float
    ended_s: float
    lane: str = ""

    @property
    def keeps_promise(self) -> bool:
        """Whether its first token came when it was due, and, if somebody reads it, the others fast enough."""
        request = self.request
        in_time = self.first_s - self.arrived_s <= DUE_S[request.urgency]
        if request.urgency is not Urgency.INTERACTIVE or request.max_tokens < 2:
            return in_time
        return in_time and (self.ended_s - self.first_s) / (request.max_tokens - 1) <= TOKEN_DUE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A trace, replayed once.

    Attributes:
        order: how requests were ordered.
        served: all requests.
        loads: how often a model was loaded.
        loaded_bytes: of those.
        most_bytes: that models held at the same time.
    """

    order: str
    served: Sequence[Served]
    loads: int = 0
    loaded_bytes: int = 0
    most_bytes: int = 0

    @property
    def makespan_s(self) -> float:
        """From the first arrival to the last end."""
        return max(one.ended_s for one in self.served) - min(one.arrived_s for one in self.served)

    def first_tokens_s(self, urgency: Urgency) -> list[float]:
        """Seconds to the first token of a class."""
        return [one.first_s - one.arrived_s for one in self.served if one.request.urgency is urgency]

    def quantile_s(self, urgency: Urgency, share: float) -> float | None:
        """Seconds to the first token that this share in percent of a class does not exceed; None without any."""
        found = self.first_tokens_s(urgency)
        return float(np.percentile(found, share)) if found else None


Alone = Callable[[TracedRequest], float]
"""Seconds that a request takes alone, its model loaded."""


def figures_of(replay: Replay, alone: Alone, longest_load_s: float) -> dict[str, float | None]:
    """All figures of a replay.

    Args:
        replay: what came of it.
        alone: seconds that a request takes alone.
        longest_load_s: of the model that takes longest to load.
    """
    served = replay.served
    longest = max(served, key=lambda one: one.began_s - one.arrived_s)
    figures: dict[str, float | None] = {
        "makespan_s": replay.makespan_s,
        "tokens_per_s": sum(one.request.max_tokens for one in served if not one.request.is_image) / replay.makespan_s,
        "slo_attainment": sum(one.keeps_promise for one in served) / len(served),
        "longest_wait_s": longest.began_s - longest.arrived_s,
        "wait_bound_s": wait_bound_s(longest, served, alone, longest_load_s),
        "waits_over_bound": sum(
            one.began_s - one.arrived_s > wait_bound_s(one, served, alone, longest_load_s) for one in served
        ),
        "overtaken_s": overtaken_s(served),
        "loads": replay.loads,
        "loaded_bytes": replay.loaded_bytes,
        "jain": jain(served, alone),
    }
    for urgency in sorted({one.request.urgency for one in served}):
        for share in SHARES:
            figures[f"first_token_p{share}_s_{urgency}"] = replay.quantile_s(urgency, share)
    return figures


def wait_bound_s(one: Served, served: Iterable[Served], alone: Alone, longest_load_s: float) -> float:
    """The longest that a request may wait.

    While it waits, its model is loaded, and the device works for others, none of which arrived more than `HORIZON_S`
    after it; each has its work done once, and its model loaded at most once on its account. Sharing a batch makes that
    shorter, never longer.
    """
    return longest_load_s + sum(
        alone(other.request) + longest_load_s
        for other in served
        if other is not one and other.arrived_s <= one.arrived_s + HORIZON_S
    )


def overtaken_s(served: Iterable[Served]) -> float:
    """The most by which a request arrived after another one and still began before it, on the same lane."""
    lanes: defaultdict[str, list[Served]] = defaultdict(list)
    for one in served:
        lanes[one.lane].append(one)
    most = 0.0
    for lane in lanes.values():
        latest_s = -np.inf
        for one in sorted(lane, key=lambda one: (one.began_s, one.arrived_s)):
            latest_s = max(latest_s, one.arrived_s)
            most = max(most, latest_s - one.arrived_s)
    return most


def jain(served: Sequence[Served], alone: Alone) -> float:
    """Jain's index over clients: 1 if all are served equally well against their equal share, 1/n if one has it all.

    Each client's answers are compared with those of an ideal device that divides itself equally among the clients
    that have work: what is compared is the time from arrival to end, the ideal one over the real one.
    """
    ideal = _equal_shares([(one.arrived_s, one.request.client, alone(one.request)) for one in served])
    real: defaultdict[str, float] = defaultdict(float)
    fair: defaultdict[str, float] = defaultdict(float)
    for one, ended_s in zip(served, ideal, strict=True):
        real[one.request.client] += one.ended_s - one.arrived_s
        fair[one.request.client] += ended_s - one.arrived_s
    shares = np.array([fair[client] / max(real[client], 1e-9) for client in real])
    return float(shares.sum() ** 2 / (len(shares) * (shares**2).sum()))


def _equal_shares(work: Sequence[tuple[float, str, float]]) -> list[float]:
    """When each of these (arrival, client, seconds) would end if clients with work had equal shares all the time."""
    order = sorted(range(len(work)), key=lambda index: work[index][0])
    times_s = sorted({work[index][0] for index in order})
    left = [seconds for _, _, seconds in work]
    ended = [0.0] * len(work)
    queues: defaultdict[str, list[int]] = defaultdict(list)
    coming = iter(order)
    following = next(coming, None)
    for now_s, until_s in pairwise([*times_s, float("inf")]):
        while following is not None and work[following][0] <= now_s:
            queues[work[following][1]].append(following)
            following = next(coming, None)
        _share(queues, left, ended, now_s, until_s)
    return ended


def _share(
    queues: Mapping[str, list[int]], left: list[float], ended: list[float], now_s: float, until_s: float
) -> None:
    """Serve the first of each client at the same rate until a time, or until all is done."""
    while heads := [queue for queue in queues.values() if queue]:
        least = min(left[queue[0]] for queue in heads)
        if now_s + least * len(heads) > until_s:
            for queue in heads:
                left[queue[0]] -= (until_s - now_s) / len(heads)
            return
        now_s += least * len(heads)
        for queue in heads:
            left[queue[0]] -= least
            if left[queue[0]] <= 1e-12:
                ended[queue.pop(0)] = now_s
