"""A model that is larger than its memory, through the door."""

import asyncio
import re
import sys
from contextlib import aclosing
from pathlib import Path

import pytest

from engine import Engine, EngineConfig, Finished, GenerateRequest, OutOfMemoryError, Sampling
from engine.bench.random_model import cached_random_model
from engine.types import GenerateResult
from tests.computing import computing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what can be laid over a mapping was run on Linux only")

MB = 1_000_000
PROMPT = "a quick brown fox"


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cached_random_model(tmp_path_factory.mktemp("models"), "100m", "q8_0")


def config(home: Path, budget_mb: int | None = None) -> EngineConfig:
    budget = None if budget_mb is None else budget_mb * MB
    return computing(home=home, context_tokens=256, max_sequences=2, threads=1, memory_budget_bytes=budget)


async def answer(engine: Engine, path: Path, tokens: int = 12) -> GenerateResult:
    request = GenerateRequest(model=str(path), prompt=PROMPT, sampling=Sampling(temperature=0), max_tokens=tokens)
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return event.result
    raise AssertionError("no end")


async def test_it_is_paged_within_its_budget_and_says_the_same(path: Path, tmp_path: Path):
    async with Engine(config(tmp_path / "a")) as engine:
        expected = await answer(engine, path)
        assert engine.snapshot().loaded[0].paging is None
    async with Engine(config(tmp_path / "b", 180)) as engine:
        assert (await answer(engine, path)).text == expected.text
        (loaded,) = engine.snapshot().loaded
        assert loaded.paging is not None
        assert loaded.paging.note == ""
        assert 0 < loaded.paging.streamed_bytes < loaded.info.size_bytes
        assert loaded.memory_bytes <= 180 * MB
        assert loaded.paging.tokens_per_s > 0
        assert await engine.unload(str(path))


async def test_a_budget_below_the_least_is_refused_with_the_numbers(path: Path, tmp_path: Path):
    async with Engine(config(tmp_path, 100)) as engine:
        with pytest.raises(OutOfMemoryError, match=r"needs about \d+ MB of memory, but 100 MB is free"):
            await answer(engine, path)
        assert engine.snapshot().loaded == ()


async def test_several_answers_share_its_sweeps(path: Path, tmp_path: Path):
    async with Engine(config(tmp_path, 180)) as engine:
        first, second = await asyncio.gather(answer(engine, path, 24), answer(engine, path, 24))
        assert first.usage.output_tokens == second.usage.output_tokens == 24
        paging = engine.snapshot().loaded[0].paging
        assert paging is not None
        assert paging.bytes_per_token < 0.8 * paging.streamed_bytes


async def test_a_model_smaller_than_the_buffers_of_paging_is_refused_with_what_it_needs_whole(tmp_path: Path):
    async with Engine(config(tmp_path, 12)) as engine:
        with pytest.raises(OutOfMemoryError) as refused:
            await answer(engine, Path("starter"))
    needed = re.search(r"needs about (\d+) MB", str(refused.value))
    allowed = re.search(r"at least (\d+) MB", str(refused.value))
    assert needed is not None
    assert int(needed[1]) < 45
    assert allowed is None or abs(int(allowed[1]) - int(needed[1])) <= 1
