"""`hearth bench scheduler`: what a decision costs among ten thousand requests, and what each factor is good for.

- `pick_us`: the next step of a lane with 10,000 waiting requests, from a request that ends to the one that begins.
- `want_us`, `order_us`: which model is loaded next; all requests in order, as front ends show them.
- `ablation_FACTOR_...`: in simulation, what the factor brings: with it, less without it. `slo`: share of requests in
  time. `p95`, `makespan`, `longest_wait`: relative, of interactive first tokens, of the whole trace, and of the longest
  wait; below 0 is better. `jain`: fairness over clients. Means over traces of chance at several loads, some with a
  client that floods, some on battery; their seeds were not used to choose the weights.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.bench.measure import BenchOptions
from engine.bench.random_traces import MACHINE, random_trace
from engine.bench.replays import figures_of
from engine.bench.report import BenchReport, machine_facts
from engine.bench.simulator import Simulator
from engine.bench.traces import Trace
from engine.config import WEIGHTS_VERSION
from engine.memory.budget import MemoryBudget
from engine.queueing import FACTORS
from engine.requests import Urgency
from engine.scheduling.entries import DUE_S, Entry, Need
from engine.scheduling.priority import Weights, weights_of
from engine.scheduling.roster import Roster
from engine.scheduling.score_policy import ScorePolicy

_WAITING: Final = 10_000
_MODELS: Final = 8
_ABSENT: Final = 2
_CLIENTS: Final = 20
_LANE: Final = "cpu"
_SEEDS: Final = range(9000, 9008)
_LOADS: Final = (0.8, 1.3)
_DURATION_S: Final = 120.0
_FLOOD: Final = 0.4
_MICRO: Final = 1e6
_COMPARED: Final = {
    "slo": "slo_attainment",
    "makespan": "makespan_s",
    "longest_wait": "longest_wait_s",
    "jain": "jain",
}
_RELATIVE: Final = frozenset({"p95", "makespan", "longest_wait"})


def run(options: BenchOptions) -> BenchReport:
    """Time decisions in a long queue, then leave out each factor in turn."""
    machine = {**machine_facts(), "weights_version": WEIGHTS_VERSION}
    samples = _decisions(100 if options.quick else 1000, 1000 if options.quick else _WAITING)
    figures: dict[str, float | None] = {}
    for name, taken in samples.items():
        figures |= {f"{name}_p50": float(np.percentile(taken, 50)), f"{name}_p99": float(np.percentile(taken, 99))}
    scenarios = _scenarios()[:: 16 if options.quick else 1]
    figures |= _ablation(weights_of(options.config.weights), scenarios)
    return BenchReport(bench="scheduler", figures=figures, samples=samples, machine=machine)


def _decisions(count: int, waiting: int) -> dict[str, list[float]]:
    """Microseconds of each kind of decision, while requests come and go."""
    crowd = _Crowd(waiting)
    taken: dict[str, list[float]] = {name: [] for name in ("pick_us", "want_us", "order_us", "add_us")}
    for number in range(count):
        crowd.now_s += 0.05
        taken["pick_us"].append(_timed(crowd.pick))
        taken["add_us"].append(_timed(crowd.add))
        if number % 10 == 0:
            taken["want_us"].append(_timed(crowd.want))
            taken["order_us"].append(_timed(crowd.order))
    return taken


def _timed(work: Callable[[], None]) -> float:
    began_s = time.perf_counter()
    work()
    return (time.perf_counter() - began_s) * _MICRO


class _Crowd:
    """A lane with a long queue for several models, two of which are not in memory."""

    def __init__(self, waiting: int) -> None:
        self.now_s = 1000.0
        self._chance = np.random.default_rng(0)
        self._budget = MemoryBudget(_MODELS - _ABSENT)
        self._roster = Roster(lambda need, spare: self._budget.room_for(need.size_bytes, self.now_s, spare))
        self._policy = ScorePolicy()
        self._needs = [self._need(number) for number in range(_MODELS)]
        for _ in range(waiting):
            self.add()
        for _ in range(_MODELS):
            self.pick()

    def pick(self) -> None:
        """A request ends, and the lane decides what to do next."""
        ended = next((entry for need in self._needs for entry in need.running.values()), None)
        if ended is not None:
            self._roster.remove(ended)
        turn = self._policy.turn(self._roster, _LANE, self.now_s)
        assert turn is not None  # thousands wait
        for entry in turn.suspend:
            self._roster.suspend(entry)
        for entry in turn.admit:
            self._roster.begin(entry, self.now_s)
        for entry in turn.need.running.values():
            self._roster.stepped(entry, self.now_s, 0.01, read=entry.unread_tokens, written=1)

    def want(self) -> None:
        """A loader asks what comes next."""
        self._policy.want(self._roster, _LANE, self.now_s)

    def order(self) -> None:
        """A front end asks for the order."""
        self._policy.order(self._roster, self.now_s)

    def add(self) -> None:
        """A request comes."""
        urgency = list(Urgency)[int(self._chance.integers(3))]
        self._roster.add(
            Entry(
                need=self._needs[int(self._chance.integers(_MODELS))],
                client=f"c{self._chance.integers(_CLIENTS)}",
                urgency=urgency,
                arrived_s=self.now_s - float(self._chance.uniform(0, 100)),
                due_s=DUE_S[urgency],
                prompt_tokens=int(self._chance.integers(1, 1000)),
                output_tokens=int(self._chance.integers(1, 500)),
            )
        )

    def _need(self, number: int) -> Need:
        need = self._roster.add_need(Need(key=number, name=f"m{number}", lane=_LANE, device=_LANE, size_bytes=1))
        need.slots = 16
        if number >= _ABSENT:
            self._budget.add(number, 1, need.load_s, self.now_s)
            self._roster.set_resident(need, self.now_s, is_resident=True)
        return need


@dataclass(frozen=True, slots=True)
class _Scenario:
    """A trace, and what heat and battery allow."""

    trace: Trace
    headroom: float


def _scenarios() -> list[_Scenario]:
    """Loads, with and without a client that floods, on mains and on battery."""
    return [
        _Scenario(random_trace(seed, load, _DURATION_S, flood=flood), 1.0 - (seed % 2))
        for seed in _SEEDS
        for load in _LOADS
        for flood in (0.0, _FLOOD)
    ]


def _ablation(weights: Weights, scenarios: Sequence[_Scenario]) -> dict[str, float | None]:
    with_all = _outcome(weights, scenarios)
    figures: dict[str, float | None] = {f"ablation_all_{name}": value for name, value in with_all.items()}
    for index, factor in enumerate(FACTORS):
        points = weights.points.copy()
        points[index] = 0.0
        if factor != FACTORS[-1]:
            points[:-1] /= points[:-1].sum()
        without = _outcome(Weights(points), scenarios)
        for name, value in with_all.items():
            change = value - without[name]
            figures[f"ablation_{factor}_{name}"] = change / without[name] if name in _RELATIVE else change
    return figures


def _outcome(weights: Weights, scenarios: Sequence[_Scenario]) -> Mapping[str, float]:
    """Means over the scenarios; of first tokens, over all requests of all of them."""
    replays = [Simulator(one.trace, MACHINE, ScorePolicy(weights), headroom=one.headroom).run() for one in scenarios]
    found = [figures_of(replay, MACHINE.alone_s, MACHINE.longest_load_s) for replay in replays]
    first_tokens_s = [taken for replay in replays for taken in replay.first_tokens_s(Urgency.INTERACTIVE)]
    means = {name: float(np.mean([one[figure] for one in found])) for name, figure in _COMPARED.items()}
    return {**means, "p95": float(np.percentile(first_tokens_s, 95))}
