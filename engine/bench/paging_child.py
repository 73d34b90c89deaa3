"""What `hearth bench paging` runs under a memory limit: one side, measured, as a line of JSON on standard output."""

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

from engine.bench.measure import Watched, letters, watch
from engine.bench.repetition import repetitive_request
from engine.caching import CacheUse
from engine.config import EngineConfig
from engine.devices.machine import physical_cores
from engine.engine import Engine
from engine.errors import EngineError
from engine.types import GenerateRequest, Sampling

if TYPE_CHECKING:
    import resource

CONTEXT: Final = 512
SEQUENCES: Final = 4
_PROMPT_TOKENS: Final = 8
_WARM_TOKENS: Final = 2
_COPIED_TOKENS: Final = 144  # of the repetitive text: three edits


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to measure; crosses to the child as JSON.

    Attributes:
        model: the file.
        home: data folder of an engine.
        side: `hearth`, or `mmap` for llama.cpp's own loop with its own mapping.
        tokens: to write for one sequence.
        budget_bytes: most that the engine's models may take; 0 lets it find out what is free.
        full: also a text that repeats itself, and several sequences.
    """

    model: str
    home: str
    side: str
    tokens: int
    budget_bytes: int = 0
    full: bool = False


@dataclass(slots=True, kw_only=True)
class Found:
    """What was measured.

    Attributes:
        load_s: until the model could be asked.
        token_s: of one sequence.
        faults: major page faults per token of it.
        read_bytes: from disk per token of it.
        repetitive_tokens_per_s: of a text that repeats its prompt with changes; 0 if not measured.
        sequences_tokens_per_s: of several sequences together; 0 if not measured.
        peak_bytes: most resident memory of the process, pages of the mapped file included.
        pinned_bytes: weights that stayed in memory; 0 if it was not paged.
        streamed_bytes: weights read in every step; 0 if it was not paged.
        buffer_bytes: memory that these pass through.
        note: what it says of its paging.
    """

    load_s: float = 0.0
    token_s: float = 0.0
    faults: float = 0.0
    read_bytes: float = 0.0
    repetitive_tokens_per_s: float = 0.0
    sequences_tokens_per_s: float = 0.0
    peak_bytes: int = 0
    pinned_bytes: int = 0
    streamed_bytes: int = 0
    buffer_bytes: int = 0
    note: str = ""


@dataclass(slots=True)
class _Counted:
    """Major faults and bytes read during something."""

    faults: int = 0
    read_bytes: int = 0


def main(arguments: Sequence[str]) -> None:
    """Measure one side, print what was found."""
    order = Order(**json.loads(arguments[0]))
    found = asyncio.run(_hearth(order)) if order.side == "hearth" else _mmap(order)
    found.peak_bytes = _usage().ru_maxrss * 1024
    sys.stdout.write(json.dumps(asdict(found)) + "\n")


async def _hearth(order: Order) -> Found:
    """Through the engine's own door."""
    found = Found()
    config = EngineConfig(
        home=Path(order.home), context_tokens=CONTEXT, max_sequences=SEQUENCES, threads=physical_cores(),
        prefix_disk_bytes=0, memory_budget_bytes=order.budget_bytes or None,
    )  # fmt: skip
    async with Engine(config) as engine:
        began_s = perf_counter()
        await engine.load(order.model)
        found.load_s = perf_counter() - began_s
        await _token_s(engine, order.model, 0, _WARM_TOKENS)
        with _counting() as counted:
            found.token_s = await _token_s(engine, order.model, 1, order.tokens)
        found.faults, found.read_bytes = counted.faults / order.tokens, counted.read_bytes / order.tokens
        if order.full:
            found.repetitive_tokens_per_s = await _repetitive(engine, order.model)
            found.sequences_tokens_per_s = await _sequences(engine, order)
        paging = next(model.paging for model in engine.snapshot().loaded)
        if paging is not None:
            found.pinned_bytes, found.streamed_bytes = paging.pinned_bytes, paging.streamed_bytes
            found.buffer_bytes, found.note = paging.buffer_bytes, paging.note
    return found


def _request(model: str, salt: int, tokens: int) -> GenerateRequest:
    """Drawn by chance: random weights under greedy sampling write in circles, which drafts would find."""
    return GenerateRequest(
        model=model, prompt=letters(_PROMPT_TOKENS, salt), sampling=Sampling(seed=salt, temperature=1.0),
        max_tokens=tokens + 1, cache=CacheUse.OFF,
    )  # fmt: skip


async def _token_s(engine: Engine, model: str, salt: int, tokens: int) -> float:
    """Seconds per token after the first."""
    return 1 / _speed(await watch(engine, _request(model, salt, tokens)))


async def _repetitive(engine: Engine, model: str) -> float:
    return _speed(await watch(engine, repetitive_request(model, _COPIED_TOKENS, 5)))


def _speed(watched: Watched) -> float:
    assert watched.result is not None
    return (watched.result.usage.output_tokens - 1) / watched.result.timings.decode_s


async def _sequences(engine: Engine, order: Order) -> float:
    requests = [_request(order.model, 10 + number, order.tokens) for number in range(SEQUENCES)]
    answers = await asyncio.gather(*(watch(engine, request) for request in requests))
    start_s = max(answer.arrivals[0][0] for answer in answers)
    end_s = min(answer.arrivals[-1][0] for answer in answers)
    counted = sum(count for answer in answers for time_s, count in answer.arrivals if start_s < time_s <= end_s)
    return counted / (end_s - start_s)


def _mmap(order: Order) -> Found:
    """llama.cpp's own loop and its own mapping, of which nothing is copied: what the system makes of it."""
    from engine.bench.bare_llama import BareLlama

    found = Found()
    began_s = perf_counter()
    with BareLlama(Path(order.model), physical_cores(), context_tokens=CONTEXT, copies_weights=False) as bare:
        found.load_s = perf_counter() - began_s
        bare.decode_tokens_per_s([letters(_PROMPT_TOKENS, 0)], 1)
        with _counting() as counted:
            found.token_s = 1 / bare.decode_tokens_per_s([letters(_PROMPT_TOKENS, 1)], order.tokens)
        found.faults, found.read_bytes = counted.faults / order.tokens, counted.read_bytes / order.tokens
    return found


@contextmanager
def _counting() -> Iterator[_Counted]:
    counted, faults, read = _Counted(), _major_faults(), _read_bytes()
    yield counted
    counted.faults, counted.read_bytes = _major_faults() - faults, _read_bytes() - read


def _major_faults() -> int:
    return _usage().ru_majflt


def _usage() -> "resource.struct_rusage":
    import resource  # Windows has none; there the bench says so in a sentence, for which this file is read as well

    return resource.getrusage(resource.RUSAGE_SELF)


def _read_bytes() -> int:
    """From disk, by this process."""
    try:
        lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    except OSError:
        return 0
    return int(lines["read_bytes"])


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except EngineError as error:
        sys.exit(str(error))
