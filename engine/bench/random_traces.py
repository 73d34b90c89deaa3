"""Traces of chance: by a seed and a load, what people and programs on one machine might ask for.

Load is the work that arrives per second of the device's time if requests came one at a time and all models were loaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.bench.simulator import Machine, Rates
from engine.bench.traces import Trace, TracedModel, TracedRequest
from engine.requests import Urgency

SIZES: Final = {
    "small": Rates(size_bytes=1_000_000_000, load_s=1.2, prefill_s=1 / 300, steps=((1, 0.03), (8, 0.1))),
    "middle": Rates(size_bytes=2_000_000_000, load_s=2.5, prefill_s=1 / 150, steps=((1, 0.06), (8, 0.17))),
    "large": Rates(size_bytes=5_000_000_000, load_s=6.0, prefill_s=1 / 60, steps=((1, 0.14), (8, 0.35))),
}
"""Models of one, two and five gigabytes on a notebook without a graphics card."""
MACHINE: Final = Machine(
    models={**{f"small{n}": SIZES["small"] for n in range(2)}, "middle": SIZES["middle"], "large": SIZES["large"]},
    crowding=1.5,
    loading_slows=0.2,
    steps_slow=0.2,
)
BUDGET_BYTES: Final = 7_000_000_000
"""Of 9 GB that the models come to."""


_USE: Final = {"small0": 0.35, "small1": 0.3, "middle": 0.2, "large": 0.15}
"""How likely a request is for each."""
_FAITHFUL: Final = 0.8
"""How likely a client stays with its model."""
_MORE_CLIENTS: Final = 2


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of client: its class, and the tokens of its requests, lowest and highest."""

    urgency: Urgency
    prompt: tuple[int, int]
    answer: tuple[int, int]
    shared: float
    weight: float
    burst: int = 1


_KINDS: Final = (
    _Kind(Urgency.INTERACTIVE, (60, 400), (20, 120), 0.6, 3.0),  # a conversation
    _Kind(Urgency.INTERACTIVE, (200, 600), (4, 24), 0.9, 3.0),  # code to complete
    _Kind(Urgency.NORMAL, (200, 800), (40, 160), 0.2, 1.0),  # an errand
    _Kind(Urgency.BATCH, (300, 800), (16, 64), 0.1, 0.7, burst=5),  # documents to work through
    _Kind(Urgency.BATCH, (20, 80), (1, 6), 0.0, 0.15, burst=40),  # many short ones
)


def random_trace(seed: int, load: float, duration_s: float = 300.0, *, flood: float = 0.0) -> Trace:
    """Make a trace for `MACHINE`.

    Args:
        seed: equal seeds give equal traces.
        load: work per second.
        duration_s: of all arrivals.
        flood: share of the work that one more client asks for all at once, as normal requests, in the first quarter.
    """
    chance = np.random.default_rng(seed)
    kinds = [*_KINDS, *(_KINDS[int(chance.integers(len(_KINDS)))] for _ in range(_MORE_CLIENTS))]
    homes = chance.choice(len(_USE), size=len(kinds), p=[*_USE.values()])
    weights = np.array([kind.weight for kind in kinds])
    requests: list[TracedRequest] = []
    left_s = load * duration_s * (1 - flood)
    while left_s > 0:
        client = int(chance.choice(len(kinds), p=weights / weights.sum()))
        kind, at_s = kinds[client], float(chance.uniform(0, duration_s))
        home = homes[client] if chance.random() < _FAITHFUL else chance.choice(len(_USE), p=[*_USE.values()])
        for _ in range(kind.burst):
            requests.append(_request(chance, f"{kind.urgency}{client}", kind, [*_USE][int(home)], at_s))
            left_s -= MACHINE.alone_s(requests[-1])
    left_s = load * duration_s * flood
    at_s = float(chance.uniform(0, duration_s / 4))
    while left_s > 0:
        requests.append(_request(chance, "flood", _KINDS[2], "small0", at_s))
        left_s -= MACHINE.alone_s(requests[-1])
    return trace_of(requests)


def trace_of(requests: Sequence[TracedRequest]) -> Trace:
    """A trace for `MACHINE`, in the order of arrival."""
    sizes = {"small": "1b", "middle": "1b", "large": "7b"}
    return Trace(
        models={
            name: TracedModel(shape=sizes[name.rstrip("01")], type="q4_k_m" if name != "middle" else "q8_0", seed=seed)
            for seed, name in enumerate(MACHINE.models)
        },
        memory_budget_bytes=BUDGET_BYTES,
        requests=tuple(sorted(requests, key=lambda request: request.at_s)),
    )


def _request(chance: np.random.Generator, client: str, kind: _Kind, model: str, at_s: float) -> TracedRequest:
    prompt = int(chance.integers(*kind.prompt))
    return TracedRequest(
        at_s=at_s,
        model=model,
        client=client,
        urgency=kind.urgency,
        prompt_tokens=prompt,
        max_tokens=int(chance.integers(*kind.answer)),
        shared_prefix=int(prompt * kind.shared),
    )
