"""How fast the models of a trace are on this machine, as the simulator and the bound on waiting want to know it."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from engine.backends.llama.cells import kv_cells, parking_bytes
from engine.bench.at_once import picture
from engine.bench.measure import GREEDY, BenchOptions, decode_tokens_per_s, watch
from engine.bench.real_replay import OWN_LANES, SEQUENCES, config_for, paths_of, text_of
from engine.bench.simulator import Machine, Rates
from engine.bench.traces import Trace
from engine.engine import Engine
from engine.models.shape import shape_of
from engine.types import GenerateRequest, RecognizeRequest

_ROWS: Final = (1, 2, 3, 4, 6, 8)
_PROMPT_TOKENS: Final = 160
_CROWD: Final = 4
"""Answers of each of two models that are written at the same time, to see how much the models disturb each other."""
_MOST_LOST: Final = 0.9
"""Of a step's pace while a model is loaded: more is a measurement gone wrong."""


async def measure_machine(options: BenchOptions, trace: Trace) -> tuple[Machine, Mapping[str, Path]]:
    """Measure the models of a trace one by one, and how much they disturb each other.

    Raises:
        EngineError: a model cannot be loaded.
    """
    paths = paths_of(options, trace)
    rounds, tokens = (1, 8) if options.quick else (3, 48)
    config = replace(config_for(options, trace, OWN_LANES), order="hearth")
    models: dict[str, Rates] = {}
    async with Engine(config) as engine:
        await engine.settled()
        for name, path in paths.items():
            if trace.models[name].takes_images:
                models[name] = await _picture_rates(engine, path, rounds)
            else:
                models[name] = await _text_rates(engine, path, trace.memory_budget_bytes, rounds, tokens)
    texts = [paths[name] for name, model in trace.models.items() if not model.takes_images]
    loading_slows, steps_slow = await _loading(options, trace, texts, tokens)
    machine = Machine(
        models=models,
        crowding=await _crowding(options, trace, texts, tokens),
        loading_slows=loading_slows,
        steps_slow=steps_slow,
        chunk_tokens=options.config.prefill_chunk_tokens,
    )
    return machine, paths


async def _text_rates(engine: Engine, path: Path, budget_bytes: int, rounds: int, tokens: int) -> Rates:
    size, _ = await _load(engine, path, 1)
    size += parking_bytes(_kv_bytes(engine, path), budget_bytes)
    load_s = await _exchange_s(engine, path, rounds)
    steps: dict[int, list[float]] = {rows: [] for rows in _ROWS}
    reading: list[float] = []
    await decode_tokens_per_s(engine, path, [text_of(8, "warm")], 4)
    for number in range(rounds):
        reading.append(await _read_s(engine, path, text_of(_PROMPT_TOKENS, f"{path} read {number}")))
        for rows in _ROWS:
            prompts = [text_of(8, f"{path} {number} {rows} {row}") for row in range(rows)]
            steps[rows].append(rows / await decode_tokens_per_s(engine, path, prompts, tokens))
    return Rates(
        size_bytes=size,
        load_s=load_s,
        prefill_s=median(reading) / _PROMPT_TOKENS,
        steps=tuple((rows, median(seconds)) for rows, seconds in steps.items()),
        slots=SEQUENCES,
    )


async def _read_s(engine: Engine, path: Path, prompt: str) -> float:
    """Seconds until the first token of a prompt is there."""
    began_s = perf_counter()
    await watch(engine, GenerateRequest(model=str(path), prompt=prompt, sampling=GREEDY, max_tokens=1))
    return perf_counter() - began_s


async def _picture_rates(engine: Engine, path: Path, rounds: int) -> Rates:
    size, load_s = await _load(engine, path, rounds)
    request = RecognizeRequest(model=str(path), image=picture())
    steps: dict[int, float] = {}
    await engine.recognize(request)
    for rows in (1, SEQUENCES):
        taken: list[float] = []
        for _ in range(rounds):
            began_s = perf_counter()
            await asyncio.gather(*(engine.recognize(request) for _ in range(rows)))
            taken.append(perf_counter() - began_s)
        steps[rows] = median(taken)
    return Rates(size_bytes=size, load_s=load_s, prefill_s=1e-9, steps=tuple(steps.items()), slots=SEQUENCES)


def _kv_bytes(engine: Engine, path: Path) -> int:
    """Of all sequences together; as much is kept free for conversations outside the cache."""
    token_bytes = max(1, shape_of(engine.model(str(path))).kv_bytes_per_token)
    return kv_cells(engine.config.context_tokens, SEQUENCES, token_bytes, 1 << 60) * token_bytes


async def _load(engine: Engine, path: Path, rounds: int) -> tuple[int, float]:
    """Bytes in memory and seconds of loading, the file being in the system's cache as it is in a replay."""
    size, taken = (await engine.load(str(path))).memory_bytes, []
    for _ in range(rounds):
        await engine.unload(str(path))
        began_s = perf_counter()
        await engine.load(str(path))
        taken.append(perf_counter() - began_s)
    return size, median(taken)


async def _exchange_s(engine: Engine, path: Path, rounds: int) -> float:
    """Seconds until a model that has been at work has left and is there again, with what it knew of conversations."""
    taken = []
    for number in range(rounds):
        prompts = [text_of(_PROMPT_TOKENS, f"{path} exchange {number} {row}") for row in range(SEQUENCES)]
        await asyncio.gather(*(_read_s(engine, path, prompt) for prompt in prompts))
        began_s = perf_counter()
        await engine.unload(str(path))
        await engine.load(str(path))
        taken.append(perf_counter() - began_s)
    return median(taken)


async def _crowding(options: BenchOptions, trace: Trace, texts: list[Path], tokens: int) -> float:
    """By how much longer than in turns two models take that run at the same time."""
    if len(texts) < 2:
        return 1.0
    pair = texts[:2]
    async with Engine(config_for(options, trace, OWN_LANES)) as engine:
        await engine.settled()
        alone = [await _tokens_per_s(engine, path, f"alone {path}", tokens, _CROWD) for path in pair]
        at_once = await asyncio.gather(
            *(_tokens_per_s(engine, path, f"at once {path}", 2 * tokens, _CROWD) for path in pair)
        )
    shares = sum(together / single for together, single in zip(at_once, alone, strict=True))
    return max(1 / len(pair), 1 / shares)  # no less: each would be faster than alone


async def _loading(options: BenchOptions, trace: Trace, texts: list[Path], tokens: int) -> tuple[float, float]:
    """Share that steps take longer while another model is loaded, and loading while there are steps."""
    if len(texts) < 2:
        return 0.0, 0.0
    here, other = texts[:2]
    taken: list[float] = []
    async with Engine(replace(config_for(options, trace, OWN_LANES), order="hearth")) as engine:
        await engine.settled()
        _, load_s = await _load(engine, other, 3)
        alone = await _tokens_per_s(engine, here, "alone", tokens)
        is_done = asyncio.Event()

        async def write() -> float:
            try:
                return await _tokens_per_s(engine, here, "beside", 4 * tokens)
            finally:
                is_done.set()

        async def load() -> None:
            while not is_done.is_set():
                await engine.unload(str(other))
                began_s = perf_counter()
                await engine.load(str(other))
                taken.append(perf_counter() - began_s)
                await asyncio.sleep(load_s)

        beside, _ = await asyncio.gather(write(), load())
    lost_s = 4 * tokens * (1 / beside - 1 / alone) / len(taken)  # for each load
    busy_s = median(taken)
    share = min(_MOST_LOST, max(0.0, lost_s / busy_s))
    return share / (1 - share), max(0.0, busy_s / load_s - 1)


async def _tokens_per_s(engine: Engine, path: Path, salt: str, tokens: int, rows: int = 1) -> float:
    await decode_tokens_per_s(engine, path, [text_of(8, f"{salt} warm")], 4)
    return await decode_tokens_per_s(engine, path, [text_of(8, f"{salt} {row}") for row in range(rows)], tokens)
