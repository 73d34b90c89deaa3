"""`hearth bench batching`: what decoding many answers together gains, and whether it changes them."""

import asyncio
from dataclasses import replace
from statistics import median

from engine.bench.bare_llama import BareLlama
from engine.bench.measure import GREEDY, BenchOptions, decode_tokens_per_s, letters, watch
from engine.bench.random_model import cached_random_model
from engine.bench.report import BenchReport, machine_facts
from engine.devices.machine import physical_cores
from engine.engine import Engine
from engine.types import GenerateRequest

_PROMPT_TOKENS = 16
_LIMIT_TOKENS = 256
_SIDES = ("1", "8", "bare_8", "16")


def run(options: BenchOptions) -> BenchReport:
    """Measure 1, 8 and 16 requests at once, and a bare batched loop of 8, in turns; then compare texts.

    `speedup_limit` is what an endless batch would gain: the speed at which bare llama.cpp reads a prompt, where only
    arithmetic counts, over that of one request. It depends on the processor's instructions more than on anything else.
    """
    machine = machine_facts()
    samples, limit, identical, differences = asyncio.run(_measure(options))
    medians = {name: median(values) for name, values in samples.items()}
    ratios = zip(samples["tokens_per_s_8"], samples["tokens_per_s_bare_8"], strict=True)
    figures: dict[str, float | None] = {
        "speedup_8": medians["tokens_per_s_8"] / medians["tokens_per_s_1"],
        "speedup_16": medians["tokens_per_s_16"] / medians["tokens_per_s_1"],
        "speedup_limit": limit / medians["tokens_per_s_1"],
        "vs_bare_8": median(ours / bare for ours, bare in ratios),
        "identical_share": identical,
        "first_difference_token": median(differences) if differences else None,
        **medians,
    }
    samples["first_difference_tokens"] = differences
    return BenchReport(bench="batching", figures=figures, samples=samples, machine=machine)


async def _measure(options: BenchOptions) -> tuple[dict[str, list[float]], float, float, list[float]]:
    model = cached_random_model(options.folder, options.shape or "1b", options.kind)
    threads = physical_cores()
    rounds, tokens = (1, 8) if options.quick else (4, 40)
    samples: dict[str, list[float]] = {f"tokens_per_s_{side}": [] for side in _SIDES}
    config = replace(options.config, threads=threads, max_sequences=16)
    async with Engine(config) as engine:
        with BareLlama(model, threads, sequences=8) as bare:
            await decode_tokens_per_s(engine, model, _prompts(1, 99), 4)  # loads and warms up
            bare.decode_tokens_per_s(_prompts(8, 99), 4)
            for number in range(rounds):
                # Downwards in every other round, so that who comes first favours nobody.
                for side in _SIDES if number % 2 == 0 else _SIDES[::-1]:
                    if side == "bare_8":
                        speed = bare.decode_tokens_per_s(_prompts(8, number), tokens)
                    else:
                        speed = await decode_tokens_per_s(engine, model, _prompts(int(side), number), tokens)
                    samples[f"tokens_per_s_{side}"].append(speed)
            limit = _LIMIT_TOKENS / median(bare.prefill_s(letters(_LIMIT_TOKENS, 900 + n)) for n in range(rounds))
        identical, differences = await _compare_texts(engine, str(model), 8 if options.quick else 48)
    return samples, limit, identical, differences


def _prompts(count: int, number: int) -> list[str]:
    return [letters(_PROMPT_TOKENS, number * count + index) for index in range(count)]


async def _compare_texts(engine: Engine, model: str, tokens: int) -> tuple[float, list[float]]:
    """Share of greedy answers that are the same alone and in a batch of 8, and where the others first differ."""
    # Log-probabilities come token by token, whatever the stream merges.
    requests = [
        GenerateRequest(model=model, prompt=text, sampling=GREEDY, max_tokens=tokens, logprobs=1)
        for text in _prompts(8, 50)
    ]
    alone = [await _tokens(engine, request) for request in requests]
    await engine.unload(model)  # with it goes the KV cache, which would spare the batch its prefill
    together = await asyncio.gather(*(_tokens(engine, request) for request in requests))
    differences: list[float] = []
    for one, other in zip(alone, together, strict=True):
        if one != other:
            pairs = zip(one, other, strict=False)
            shorter = min(len(one), len(other))
            differences.append(next((index for index, (a, b) in enumerate(pairs) if a != b), shorter))
    return 1 - len(differences) / len(requests), differences


async def _tokens(engine: Engine, request: GenerateRequest) -> tuple[str, ...]:
    watched = await watch(engine, request)
    return () if watched.result is None else tuple(token.text for token in watched.result.logprobs)
