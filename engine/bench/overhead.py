"""`hearth bench overhead`: how much of llama.cpp's own speed is left behind Hearth's door."""

import asyncio
from dataclasses import replace
from statistics import median

from engine.bench.bare_llama import BATCH_TOKENS, BareLlama
from engine.bench.measure import BenchOptions, Pairs, decode_tokens_per_s, in_turns, letters, prefill_s
from engine.bench.random_model import cached_random_model
from engine.bench.report import BenchReport, machine_facts
from engine.devices.machine import physical_cores
from engine.engine import Engine

_PROMPT_TOKENS = 16
_TOKENS = {"1b": 48, "7b": 16}


def run(options: BenchOptions) -> BenchReport:
    """Compare decode and prefill speed, both sides greedy, with the same threads, in one process, in turns."""
    machine = machine_facts()
    figures: dict[str, float | None] = {}
    samples: dict[str, tuple[float, ...]] = {}
    for shape in (options.shape,) if options.shape else ("1b", "100m"):
        suffix = "" if options.shape or shape == "1b" else f"_{shape}"
        decode, prefill = asyncio.run(_compare(options, shape))
        figures[f"decode_ratio{suffix}"] = decode.ratio
        figures[f"prefill_ratio{suffix}"] = prefill.ratio
        figures[f"decode_tokens_per_s{suffix}"] = median(decode.ours)
        figures[f"prefill_tokens_per_s{suffix}"] = median(prefill.ours)
        for name, pairs in (("decode", decode), ("prefill", prefill)):
            samples[f"{name}_tokens_per_s_ours{suffix}"] = pairs.ours
            samples[f"{name}_tokens_per_s_bare{suffix}"] = pairs.bare
    return BenchReport(bench="overhead", figures=figures, samples=samples, machine=machine)


async def _compare(options: BenchOptions, shape: str) -> tuple[Pairs, Pairs]:
    model = cached_random_model(options.folder, shape, options.kind)
    threads = physical_cores()
    tokens, rounds = (8, 2) if options.quick else (_TOKENS.get(shape, 192), 10)
    prompt_tokens = 64 if options.quick else BATCH_TOKENS
    # Fixed threads: how they adapt to a busy machine is another bench's question.
    async with Engine(replace(options.config, threads=threads)) as engine:
        with BareLlama(model, threads) as bare:
            await decode_tokens_per_s(engine, model, [letters(_PROMPT_TOKENS, 51)], 4)  # loads and warms up
            bare.decode_tokens_per_s([letters(_PROMPT_TOKENS, 51)], 4)
            decode = await in_turns(
                rounds,
                lambda number: decode_tokens_per_s(engine, model, [letters(_PROMPT_TOKENS, number)], tokens),
                lambda number: bare.decode_tokens_per_s([letters(_PROMPT_TOKENS, number)], tokens),
            )

            async def ours(number: int) -> float:
                return prompt_tokens / await prefill_s(engine, model, letters(prompt_tokens - 1, 20 + number))

            prefill = await in_turns(
                min(rounds, 6),
                ours,
                lambda number: prompt_tokens / bare.prefill_s(letters(prompt_tokens - 1, 20 + number)),
            )
    return decode, prefill
