"""`hearth bench mixed`: many requests for several models on one machine, in the order of Hearth and in simpler ones.

A trace is replayed for real: requests come when the trace says so, whether or not those before them have ended, to a
fresh engine with models of random weights and a budget of memory. The orders take turns, so that what slows the machine
for a while slows all of them. Figures of an order end in its name and are medians; ratios are medians over the rounds.

- `slo_attainment`: share of the requests whose first token came when it was due (2 s if somebody waits, 15 s, 180 s)
  and whose others, if somebody reads them, came at four a second or more.
- `longest_wait_s`, `wait_bound_s`: from arrival to the first step; `waits_over_bound` counts those beyond their bound.
- `overtaken_s`: the most by which a request came later than another and still began before it, on the same lane.
- `jain`: how equal clients fare, each against an equal share of the device.

`free_for_all` gives every model its own lane, all cores, and memory without a limit, as programs do that know nothing
of one another; `free_single` is the same for programs that answer one request at a time. What `fifo_batched` gains over
`fifo` is batching; the rest of what Hearth gains is its order.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final

from engine.bench.measure import BenchOptions
from engine.bench.model_rates import measure_machine
from engine.bench.real_replay import ONE_EACH, OWN_LANES, Files, replay
from engine.bench.replays import Replay, figures_of
from engine.bench.report import BenchReport, machine_facts
from engine.bench.simulator import Machine, Simulator
from engine.bench.traces import Trace, read_trace
from engine.config import ORDERS, WEIGHTS_VERSION
from engine.errors import InvalidRequestError
from engine.scheduling.policies import policy_of
from engine.scheduling.priority import weights_of

OURS: Final = "hearth"
_TRACES: Final = Path(__file__).resolve().parents[2] / "tests" / "benchmarks" / "traces"
_ROUNDS: Final = 5
_QUICK_REQUESTS: Final = 12
_RATIOS: Final = {
    "fifo": "fifo", "fifo_batched": "fifo_batched", "collate": "collate", OWN_LANES: "free", ONE_EACH: "free_single"
}  # fmt: skip
_COMPARED: Final = {"makespan": "makespan_s", "ttft_p95": "first_token_p95_s_interactive"}

Figures = Mapping[str, float | None]


def run(options: BenchOptions) -> BenchReport:
    """Measure the models of a trace, and replay it in all orders that are asked for.

    Raises:
        InvalidRequestError: there is no such trace or order.
        EngineError: a request failed.
    """
    machine = {**machine_facts(), "weights_version": WEIGHTS_VERSION}
    orders = _orders(options)
    trace = _trace(options)
    measured, rounds = asyncio.run(_measure(options, trace, orders))
    figures: dict[str, float | None] = _ratios(rounds)
    figures["waits_over_bound"] = sum(one["waits_over_bound"] or 0 for found in rounds for one in found.values())
    for order in orders:
        figures |= {f"{name}_{order}": _median(rounds, order, name) for name in rounds[0][order]}
    if options.simulate:
        figures |= _simulated(options, trace, measured, figures)
    for name, rates in measured.models.items():
        figures |= {f"load_s_{name}": rates.load_s, f"tokens_per_s_{name}": 1 / rates.decode_s(1)}
    figures["crowding"], figures["loading_slows"] = measured.crowding, measured.loading_slows
    samples = {
        f"{name}_{order}": [value for found in rounds if (value := found[order][name]) is not None]
        for order in orders
        for name in _COMPARED.values()
    }
    return BenchReport(bench="mixed", figures=figures, samples=samples, machine=machine)


async def _measure(
    options: BenchOptions, trace: Trace, orders: Sequence[str]
) -> tuple[Machine, list[dict[str, Figures]]]:
    """How fast the models are, and the figures of each order in each round."""
    measured, paths = await measure_machine(options, trace)
    files = Files(paths=paths, sizes={name: rates.size_bytes for name, rates in measured.models.items()})
    rounds: list[dict[str, Figures]] = []
    for number in range(1 if options.quick else _ROUNDS):
        found: dict[str, Figures] = {}
        for order in orders if number % 2 == 0 else orders[::-1]:
            outcome = await replay(options, trace, files, order, f"{number} {order}")
            found[order] = _figures(outcome, measured)
        rounds.append(found)
    return measured, rounds


def _figures(outcome: Replay, measured: Machine) -> dict[str, float | None]:
    return figures_of(outcome, measured.alone_s, measured.longest_load_s)


def _simulated(options: BenchOptions, trace: Trace, measured: Machine, real: Figures) -> dict[str, float | None]:
    """The same in simulation, and how far its makespan is from the real one."""
    figures: dict[str, float | None] = {}
    errors: list[float] = []
    for order in ORDERS:
        policy = policy_of(order, weights_of(options.config.weights))
        simulator = Simulator(trace, measured, policy, order=order, has_own_lanes=order == OWN_LANES)
        found = _figures(simulator.run(), measured)
        for name in ("makespan_s", "slo_attainment", "first_token_p95_s_interactive", "loads"):
            figures[f"simulated_{name}_{order}"] = found[name]
        if (makespan_s := real.get(f"makespan_s_{order}")) is not None and found["makespan_s"] is not None:
            figures[f"simulated_vs_real_{order}"] = found["makespan_s"] / makespan_s
            errors.append(abs(found["makespan_s"] / makespan_s - 1))
    figures["simulated_error"] = max(errors)
    return figures


def _ratios(rounds: Sequence[Mapping[str, Figures]]) -> dict[str, float | None]:
    """Hearth over the others, round by round."""
    ratios: dict[str, float | None] = {}
    for order, short in _RATIOS.items():
        for figure, name in _COMPARED.items():
            pairs = [(found[OURS][name], found[order][name]) for found in rounds if {OURS, order} <= found.keys()]
            values = [ours / other for ours, other in pairs if ours is not None and other]
            if values:
                ratios[f"{figure}_vs_{short}"] = median(values)
    return ratios


def _median(rounds: Sequence[Mapping[str, Figures]], order: str, name: str) -> float | None:
    values = [value for found in rounds if (value := found[order][name]) is not None]
    return median(values) if values else None


def _orders(options: BenchOptions) -> tuple[str, ...]:
    for order in options.orders:
        if order != ONE_EACH:
            policy_of(order)  # refuses what there is not
    return tuple(dict.fromkeys(options.orders)) or (*ORDERS, ONE_EACH)


def _trace(options: BenchOptions) -> Trace:
    path = options.trace if options.trace is not None else _TRACES / "office_hour.jsonl"
    if options.trace is None and not path.exists():
        raise InvalidRequestError("The traces are only in Hearth's source tree.", "Name one with --trace.")
    trace = read_trace(path)
    if options.quick:
        trace = trace.cut(_QUICK_REQUESTS)
    if options.shape is None:
        return trace
    shapes = {
        name: model if model.takes_images else replace(model, shape=options.shape)
        for name, model in trace.models.items()
    }
    return replace(trace, models=shapes)
