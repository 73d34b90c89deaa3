"""`hearth bench neighbours`: decoding beside other busy programs, against llama.cpp with its default threads."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

from engine.bench.bare_llama import BareLlama, default_threads
from engine.bench.measure import BenchOptions, Pairs, decode_tokens_per_s, in_turns, letters
from engine.bench.random_model import cached_random_model
from engine.bench.report import BenchReport, machine_facts
from engine.devices.machine import usable_cores
from engine.engine import Engine
from engine.programs import module_command

_PROMPT_TOKENS = 16
_MOST_TOKENS = 3000


def run(options: BenchOptions) -> BenchReport:
    """Measure both sides in turns, first on the machine as it is, then beside one busy process per core."""
    machine = machine_facts()
    figures: dict[str, float | None] = {}
    samples: dict[str, tuple[float, ...]] = {}
    for shape in (options.shape,) if options.shape else ("1b", "100m"):
        suffix = "" if options.shape or shape == "1b" else f"_{shape}"
        for situation, pairs in asyncio.run(_compare(options, shape)).items():
            figures[f"vs_default_{situation}{suffix}"] = pairs.ratio
            figures[f"tokens_per_s_{situation}{suffix}"] = median(pairs.ours)
            figures[f"default_tokens_per_s_{situation}{suffix}"] = median(pairs.bare)
            samples[f"tokens_per_s_{situation}_ours{suffix}"] = pairs.ours
            samples[f"tokens_per_s_{situation}_default{suffix}"] = pairs.bare
    return BenchReport(bench="neighbours", figures=figures, samples=samples, machine=machine)


async def _compare(options: BenchOptions, shape: str) -> dict[str, Pairs]:
    model = cached_random_model(options.folder, shape, options.kind)
    async with Engine(replace(options.config, threads=None)) as engine:
        with BareLlama(model, default_threads()) as bare:
            await decode_tokens_per_s(engine, model, [letters(_PROMPT_TOKENS, 51)], 4)  # loads and warms up
            quiet = await _measure(options, engine, bare, model, salt=0)
            with busy_processes(usable_cores()):
                busy = await _measure(options, engine, bare, model, salt=20)
    return {"quiet": quiet, "busy": busy}


async def _measure(options: BenchOptions, engine: Engine, bare: BareLlama, model: Path, salt: int) -> Pairs:
    # Settling gives the threads their second to adapt; both sides get the same.
    settle_s, limit_s, rounds = (0.2, 0.2, 1) if options.quick else (1.5, 3.0, 6)

    async def ours(number: int) -> float:
        prompts = [letters(_PROMPT_TOKENS, salt + number)]
        return await decode_tokens_per_s(engine, model, prompts, _MOST_TOKENS, settle_s=settle_s, limit_s=limit_s)

    def default(number: int) -> float:
        prompts = [letters(_PROMPT_TOKENS, salt + number)]
        return bare.decode_tokens_per_s(prompts, _MOST_TOKENS, settle_s=settle_s, limit_s=limit_s)

    return await in_turns(rounds, ours, default)


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep this many processes spinning; they run before the context is entered, and are gone after it."""
    command = module_command("engine.bench.spin", str(os.getpid()))
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(count)]
    try:
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        yield
    finally:
        for process in processes:
            process.kill()
        for process in processes:
            process.communicate()
