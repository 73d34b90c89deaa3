"""`hearth bench cache`: how quick a known answer is, and whether the cache keeps to its limits."""

import asyncio
import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

import psutil

from engine.bench.measure import GREEDY, BenchOptions, watch
from engine.bench.report import BenchReport, machine_facts
from engine.engine import Engine
from engine.errors import EngineError
from engine.memory.answers import files
from engine.memory.answers.store import AnswerStore
from engine.memory.answers.values import KeptText, decode, encode, kept_text
from engine.types import FinishReason, GenerateRequest, GenerateResult, Placement, Timings, Usage, user

INSERTIONS: Final = 1_000_000
MEMORY_BYTES: Final = 64 << 20
FULL_BYTES: Final = 1 << 20
"""Of memory, while it is filled: less than the most entries would take, so that it is bytes that bound them."""
DISK_BYTES: Final = 100_000_000
"""A tenth of the usual limit, so that the answers are several times what has room."""
_BATCH: Final = 50  # stored together, as the vectors of one request are: a million single ones would take minutes
_LETTERS: Final = 1000  # of an answer
_KNOWN: Final = 1000


def run(options: BenchOptions) -> BenchReport:
    """Measure both tiers, a whole request, and the limits."""
    machine = machine_facts()
    with TemporaryDirectory(prefix="hearth-bench-") as folder:
        wanted = options.insertions or (20_000 if options.quick else INSERTIONS)
        filled = _fill(Path(folder) / "filled", wanted)  # first: memory that others have left would hide its growth
        memory_us, disk_us = _tiers(Path(folder) / "tiers", 200 if options.quick else 5000)
        hit_ms = asyncio.run(_hits(options, Path(folder) / "home", 20 if options.quick else 500))
    figures: dict[str, float | None] = {
        "l1_us_p50": median(memory_us),
        "l2_us_p50": median(disk_us),
        "hit_ms_p50": median(hit_ms),
        "memory_limit_kept": float(filled.memory_peak_bytes <= FULL_BYTES),
        "disk_limit_kept": float(filled.disk_peak_bytes <= DISK_BYTES),
        "memory_peak_bytes": float(filled.memory_peak_bytes),
        "disk_peak_bytes": float(filled.disk_peak_bytes),
        "rss_growth_bytes": float(filled.rss_growth_bytes),
        "insertions": float(wanted),
        "insertion_us": filled.seconds / wanted * 1e6,
    }
    samples = {"l1_us": _some(memory_us), "l2_us": _some(disk_us), "hit_ms": _some(hit_ms)}
    return BenchReport(bench="cache", figures=figures, samples=samples, machine=machine)


def _tiers(folder: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Microseconds from key to result, out of memory, and off the disk with its digest checked."""
    entries = {os.urandom(32): encode(kept_text(_answer(number))) for number in range(_KNOWN)}
    order = random.Random(0).choices(list(entries), k=rounds)
    times = []
    for memory_bytes in (MEMORY_BYTES, 0):
        store = AnswerStore(folder, memory_bytes, DISK_BYTES, days=1)
        store.put(entries)

        def take(key: bytes, store: AnswerStore = store) -> None:
            found = store.get(key)
            if found is None or decode(found.value, KeptText) is None:
                raise EngineError("An answer that was kept is not there.")

        times.append([_seconds(lambda key=key: take(key)) * 1e6 for key in order])  # type: ignore[misc]
        store.close()
    return times[0], times[1]


async def _hits(options: BenchOptions, home: Path, rounds: int) -> list[float]:
    """Milliseconds of a whole request to the bundled language model whose answer is known, all events read."""
    config = replace(options.config, home=home, cache_memory_bytes=MEMORY_BYTES, cache_disk_bytes=DISK_BYTES)
    request = GenerateRequest(model="starter", messages=(user("What can you do?"),), sampling=GREEDY, max_tokens=100)
    times = []
    async with Engine(config) as engine:
        await watch(engine, request)
        for _ in range(rounds):
            began_s = perf_counter()
            watched = await watch(engine, request)
            times.append((perf_counter() - began_s) * 1e3)
            if watched.result is None or watched.result.cached is None:
                raise EngineError("An answer that was kept was computed again.")
    return times


@dataclass(frozen=True, slots=True)
class _Filled:
    """What a great many answers came to.

    Attributes:
        seconds: that storing them took.
        memory_peak_bytes: most that the first tier took.
        disk_peak_bytes: most that the files of the second tier took.
        rss_growth_bytes: resident memory of this process at its highest, over what it was before. What Python had free
            already is taken first and not seen, so with a tier this small it tells only whether something leaks: 100
            bytes for each of a million answers would be 100 MB.
    """

    seconds: float
    memory_peak_bytes: int
    disk_peak_bytes: int
    rss_growth_bytes: int


def _fill(folder: Path, wanted: int) -> _Filled:
    """Store so many different answers, through both tiers, and watch the limits all the way."""
    store, process = AnswerStore(folder, FULL_BYTES, DISK_BYTES, days=1), psutil.Process()
    store.open()
    before = process.memory_info().rss
    memory = disk = growth = 0
    began_s = perf_counter()
    for number, entries in enumerate(_batches(wanted)):
        store.put(entries)
        memory = max(memory, store.memory_info().size_bytes)
        if number % 20 == 0:
            disk = max(disk, files.size_bytes(folder))
            growth = max(growth, process.memory_info().rss - before)
    seconds = perf_counter() - began_s
    if store.trouble or not store.disk_info().entries:
        raise EngineError(f"The disk tier did not take part. {store.trouble}")
    store.close()
    return _Filled(seconds, memory, disk, growth)


def _batches(wanted: int) -> Iterator[Mapping[bytes, bytes]]:
    draw = random.Random(1)
    text = os.urandom(4096)
    for start in range(0, wanted, _BATCH):
        count = min(_BATCH, wanted - start)
        yield {draw.randbytes(32): text[: draw.randrange(100, 2000)] for _ in range(count)}


def _answer(number: int) -> GenerateResult:
    text = f"{number}: " + "word " * (_LETTERS // 5)
    timings = Timings(queued_s=0.0, load_s=0.0, prefill_s=0.1, first_token_s=0.1, decode_s=1.0, total_s=1.1)
    placement = Placement(device="cpu", backend="llama.cpp", threads=2, reason="It is the only device.")
    usage = Usage(prompt_tokens=20, output_tokens=200)
    return GenerateResult(
        text=text, finish_reason=FinishReason.STOP, usage=usage, timings=timings, placement=placement, seed=0
    )


def _seconds(work: Callable[[], None]) -> float:
    began_s = perf_counter()
    work()
    return perf_counter() - began_s


def _some(times: list[float]) -> list[float]:
    return times[:: max(1, len(times) // 200)]
