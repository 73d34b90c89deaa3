"""Measuring Hearth through its own door, and comparing two sides fairly."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

from engine.config import EngineConfig
from engine.engine import Engine
from engine.types import Finished, GenerateRequest, GenerateResult, Sampling, TextDelta

GREEDY = Sampling(temperature=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOptions:
    """What a bench is told.

    Attributes:
        config: folders and settings of the engine under test.
        quick: few and short measurements, to see whether the bench works.
        shape: take a random model of this shape instead of the bench's own choice.
        kind: type of its weights.
        trace: file with the trace to replay; None takes the bench's own.
        orders: names of the orders to replay it in; none named means all.
        simulate: replay it in simulation as well.
        tokens: of a long prompt; None takes the bench's own.
        ram_budget: memory in bytes that a model larger than it is run in; None takes the bench's own.
        insertions: answers that the cache is filled with; None takes the bench's own number.
    """

    config: EngineConfig
    quick: bool = False
    shape: str | None = None
    kind: str = "q8_0"
    trace: Path | None = None
    orders: tuple[str, ...] = ()
    simulate: bool = False
    tokens: int | None = None
    ram_budget: int | None = None
    insertions: int | None = None

    @property
    def folder(self) -> Path:
        """Where random models are kept."""
        return self.config.cache_dir / "bench"


def letters(count: int, salt: int) -> str:
    """A text of `count` letters, `count` tokens for a random model; different salts differ from the first letter on.

    Otherwise the second measurement would find its prompt in the KV cache.
    """
    alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "".join(alphabet[(salt + index * (index + 3)) % len(alphabet)] for index in range(count))


@dataclass(slots=True)
class Watched:
    """One answer, with the times at which its tokens arrived.

    Attributes:
        arrivals: time and number of tokens of each delta.
        result: of a finished answer.
    """

    arrivals: list[tuple[float, int]] = field(default_factory=list)
    result: GenerateResult | None = None


async def watch(engine: Engine, request: GenerateRequest, until_s: Callable[[], float] | None = None) -> Watched:
    """Run a request and note when its tokens arrive; stop it when the clock passes `until_s()`."""
    watched = Watched()
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                watched.arrivals.append((perf_counter(), event.token_count))
                # Two after the first in any case: of a machine that stood still meanwhile no speed is known otherwise.
                if until_s is not None and len(watched.arrivals) > 2 and watched.arrivals[-1][0] > until_s():
                    break
            elif isinstance(event, Finished):
                watched.result = event.result
    return watched


async def prefill_s(engine: Engine, model: Path, text: str) -> float:
    """Seconds from asking until the first token of a prompt is there."""
    started_s = perf_counter()
    watched = await watch(engine, GenerateRequest(model=str(model), prompt=text, sampling=GREEDY, max_tokens=1))
    elapsed_s = perf_counter() - started_s
    if watched.result is None or watched.result.usage.cached_tokens > 1:
        raise RuntimeError("the prompt was already in the KV cache")
    return elapsed_s


async def decode_tokens_per_s(
    engine: Engine,
    model: Path,
    texts: Sequence[str],
    tokens: int,
    *,
    settle_s: float = 0.0,
    limit_s: float = float("inf"),
) -> float:
    """Speed of decoding while all sequences run, together: from the last one's first token to the first one's last.

    Args:
        engine: an open engine.
        model: the model's file.
        texts: one prompt per sequence.
        tokens: to generate per sequence.
        settle_s: decode this long before the clock starts.
        limit_s: stop this long after the clock started, even if tokens are left.
    """
    begun_s: list[float] = []

    def until_s() -> float:
        if not begun_s:
            begun_s.append(perf_counter())
        return begun_s[0] + settle_s + limit_s

    requests = [
        GenerateRequest(model=str(model), prompt=text, sampling=GREEDY, max_tokens=tokens + 1) for text in texts
    ]
    watched = await asyncio.gather(*(watch(engine, request, until_s) for request in requests))
    first_s = max(answer.arrivals[0][0] for answer in watched) + settle_s
    start_s = min(time_s for answer in watched for time_s, _ in answer.arrivals if time_s >= first_s)
    end_s = min(answer.arrivals[-1][0] for answer in watched)
    counted = sum(count for answer in watched for time_s, count in answer.arrivals if start_s < time_s <= end_s)
    if counted == 0:
        return _own_speed(watched)
    return counted / (end_s - start_s)


def _own_speed(watched: Sequence[Watched]) -> float:
    """The engine's own account, for a model so small that all tokens were there before we looked a second time."""
    results = [answer.result for answer in watched if answer.result is not None]
    tokens = sum(result.usage.output_tokens - 1 for result in results)
    return tokens / max(result.timings.decode_s for result in results)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Measurements of two sides, taken in turns.

    Attributes:
        ours: of Hearth.
        bare: of llama.cpp alone.
    """

    ours: tuple[float, ...]
    bare: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """Median of ours / bare, pair by pair: what slows the machine for a while slows both of a pair."""
        return median(ours / bare for ours, bare in zip(self.ours, self.bare, strict=True))


async def in_turns(rounds: int, ours: Callable[[int], Awaitable[float]], bare: Callable[[int], float]) -> Pairs:
    """Measure both sides in every round, changing who goes first; each is told the number of the round."""
    samples: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            samples[side].append(await ours(number) if side == 0 else bare(number))
    return Pairs(tuple(samples[0]), tuple(samples[1]))
