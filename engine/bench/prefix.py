"""`hearth bench prefix`: a long prompt that is read, put back from memory, and put back from disk by another engine.

Each time is that of a whole request through the door, up to its first token; the prompts begin alike and end
differently. Before an engine reads states from disk, their files are dropped from the system's cache of files.
"""

import asyncio
import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from engine.bench.measure import GREEDY, BenchOptions, letters, watch
from engine.bench.random_model import cached_random_model
from engine.bench.report import BenchReport, machine_facts
from engine.caching import CacheUse
from engine.config import EngineConfig
from engine.engine import Engine
from engine.errors import EngineError
from engine.types import GenerateRequest

_TOKENS: Final = 2000
_QUICK_TOKENS: Final = 200
_ROUNDS: Final = 3
_DISK_BYTES: Final = 2_000_000_000  # for states; benches get settings that keep nothing
_TAIL_TOKENS: Final = 16  # by which prompts that begin alike differ


def run(options: BenchOptions) -> BenchReport:
    """Measure all three ways for a few prompts, one after the other.

    Raises:
        EngineError: a prompt was not read, or not put back, where it should have been.
    """
    machine = machine_facts()
    model = cached_random_model(options.folder, options.shape or "1b", options.kind)
    tokens = options.tokens or (_QUICK_TOKENS if options.quick else _TOKENS)
    # Beside the models: a folder for temporary files may be in memory.
    with tempfile.TemporaryDirectory(prefix="prefix-", dir=options.folder) as home:
        config = replace(
            options.config, home=Path(home), max_sequences=1, context_tokens=tokens + 64, prefix_disk_bytes=_DISK_BYTES
        )
        rounds = range(1 if options.quick else _ROUNDS)
        samples = asyncio.run(_read_and_restore(config, model, tokens, rounds))
        files = [path for path in (config.cache_dir / "prefixes").iterdir() if path.stat().st_size]
        dropped = [_drop_from_cache(path) for path in files]
        machine["is_dropped_from_file_cache"] = all(dropped)
        size_bytes = max(path.stat().st_size for path in files)
        samples["disk_s"] = asyncio.run(_restore_from_disk(config, model, tokens, rounds))
    figures: dict[str, float | None] = {name: median(values) for name, values in samples.items()}
    figures["speedup_memory"] = _speedup(samples["prefill_s"], samples["memory_s"])
    figures["speedup_disk"] = _speedup(samples["prefill_s"], samples["disk_s"])
    figures |= {"tokens": tokens, "state_bytes": size_bytes}
    return BenchReport(bench="prefix", figures=figures, samples=samples, machine=machine)


async def _read_and_restore(
    config: EngineConfig, model: Path, tokens: int, rounds: Sequence[int]
) -> dict[str, list[float]]:
    samples: dict[str, list[float]] = {"prefill_s": [], "memory_s": []}
    async with Engine(config) as engine:
        await _warm_up(engine, model)
        for number in rounds:
            samples["prefill_s"].append(await _first_token_s(engine, model, _prompt(tokens, number, 0), known=False))
            await _warm_up(engine, model)  # takes the only place, so that the other is parked
            samples["memory_s"].append(await _first_token_s(engine, model, _prompt(tokens, number, 1), known=True))
    return samples


async def _restore_from_disk(config: EngineConfig, model: Path, tokens: int, rounds: Sequence[int]) -> list[float]:
    async with Engine(config) as engine:
        await _warm_up(engine, model)
        return [await _first_token_s(engine, model, _prompt(tokens, number, 2), known=True) for number in rounds]


async def _warm_up(engine: Engine, model: Path) -> None:
    """Load the model, and read something short."""
    await engine.load(str(model))
    await watch(engine, _request(model, letters(8, 45)))


async def _first_token_s(engine: Engine, model: Path, text: str, *, known: bool) -> float:
    """Seconds from asking until the first token is there."""
    began_s = perf_counter()
    result = (await watch(engine, _request(model, text))).result
    took_s = perf_counter() - began_s
    if result is None or (result.usage.cached_tokens > result.usage.prompt_tokens // 2) != known:
        what = "read again" if known else "known already"
        raise EngineError(f"The prompt was {what}.", "Give it more memory, or fewer --tokens.")
    return took_s


def _request(model: Path, text: str) -> GenerateRequest:
    return GenerateRequest(model=str(model), prompt=text, sampling=GREEDY, max_tokens=1, cache=CacheUse.OFF)


def _prompt(tokens: int, number: int, tail: int) -> str:
    return letters(tokens - _TAIL_TOKENS, number) + letters(_TAIL_TOKENS, 20 + tail)


def _speedup(slow: Sequence[float], fast: Sequence[float]) -> float:
    """Median of the ratios, prompt by prompt."""
    return median(one / other for one, other in zip(slow, fast, strict=True))


def _drop_from_cache(path: Path) -> bool:
    """Let a file be read from the disk itself the next time; False where the system has no way to."""
    if not hasattr(os, "posix_fadvise"):
        return False
    with path.open("rb+") as file:
        os.fsync(file.fileno())  # what is not written yet stays in memory
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True
