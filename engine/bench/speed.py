"""`hearth bench speed`: how fast a model of this shape and type would run here."""

import asyncio
from dataclasses import replace
from statistics import median
from time import perf_counter

from engine.bench.measure import BenchOptions, decode_tokens_per_s, letters, prefill_s
from engine.bench.random_model import cached_random_model
from engine.bench.report import BenchReport, machine_facts
from engine.engine import Engine


def run(options: BenchOptions) -> BenchReport:
    """Measure loading, prefill and decoding of one answer at a time, as a person would see it."""
    machine = machine_facts()
    samples, memory_bytes = asyncio.run(_measure(options))
    figures: dict[str, float | None] = {name: median(values) for name, values in samples.items()}
    return BenchReport(
        bench="speed", figures={**figures, "memory_bytes": memory_bytes}, samples=samples, machine=machine
    )


async def _measure(options: BenchOptions) -> tuple[dict[str, list[float]], int]:
    model = cached_random_model(options.folder, options.shape or "1b", options.kind)
    rounds, tokens, prompt_tokens = (1, 8, 64) if options.quick else (3, 32, 512)
    async with Engine(replace(options.config, max_sequences=1)) as engine:
        started_s = perf_counter()
        loaded = await engine.load(str(model))
        samples = {"load_s": [perf_counter() - started_s], "decode_tokens_per_s": [], "prefill_tokens_per_s": []}
        for number in range(rounds):
            speed = await decode_tokens_per_s(engine, model, [letters(16, number)], tokens)
            samples["decode_tokens_per_s"].append(speed)
            text = letters(prompt_tokens - 1, 20 + number)
            samples["prefill_tokens_per_s"].append(prompt_tokens / await prefill_s(engine, model, text))
    return samples, loaded.memory_bytes
