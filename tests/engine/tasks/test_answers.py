"""The cache of answers behind the door, with the bundled models: what is taken, what is kept, what is shared."""

import asyncio
import io
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from engine import (
    CacheTier,
    CacheUse,
    ConfigError,
    EmbedRequest,
    Engine,
    EngineClosedError,
    EngineConfig,
    Event,
    Finished,
    GenerateRequest,
    GenerateResult,
    InvalidRequestError,
    Limits,
    RecognizeRequest,
    Sampling,
    TextDelta,
    Urgency,
    user,
)
from engine.bench.random_model import write_random_gguf

pytestmark = pytest.mark.models

GREEDY = Sampling(temperature=0)
CHANCE = Sampling(temperature=0.9)


@pytest.fixture
def config(tmp_path: Path) -> EngineConfig:
    return EngineConfig(home=tmp_path / "home", max_sequences=4, context_tokens=512)


@pytest.fixture
async def engine(config: EngineConfig) -> AsyncIterator[Engine]:
    async with Engine(config) as opened:
        yield opened


@pytest.fixture(scope="module")
def random_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_random_gguf(folder / "plain.gguf", "tiny", "q8_0")
    write_random_gguf(folder / "vectors.gguf", "tiny", "q8_0", extra={"llama.pooling_type": 1})
    return folder


def ask(question: str = "What is a list?", **fields: object) -> GenerateRequest:
    asked = {"model": "starter", "messages": (user(question),), "sampling": GREEDY, "max_tokens": 24, **fields}
    return GenerateRequest(**asked)


def endless(random_models: Path, **fields: object) -> GenerateRequest:
    """A request that is still under way when somebody else asks the same."""
    asked = {
        "model": str(random_models / "plain.gguf"),
        "prompt": "abc",
        "sampling": GREEDY,
        "max_tokens": 400,
        **fields,
    }
    return GenerateRequest(**asked)


async def events_of(engine: Engine, request: GenerateRequest) -> list[Event]:
    async with aclosing(engine.generate(request)) as events:
        return [event async for event in events]


async def answer(engine: Engine, request: GenerateRequest) -> GenerateResult:
    last = (await events_of(engine, request))[-1]
    assert isinstance(last, Finished)
    return last.result


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - what other threads do, and what has no event
            await asyncio.sleep(0.001)


def picture(text: str) -> bytes:
    image = Image.new("RGB", (360, 80), "white")
    ImageDraw.Draw(image).text((20, 16), text, fill="black", font=ImageFont.load_default(size=40))
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


async def test_a_second_equal_request_needs_no_model(config: EngineConfig):
    async with Engine(config) as engine:
        first = await answer(engine, ask(logprobs=2))
        assert first.cached is None
    async with Engine(config) as engine:
        events = await events_of(engine, ask(logprobs=2, urgency=Urgency.BATCH, title="other", client="c"))
        assert engine.snapshot().loaded == ()
        again = await answer(engine, ask(logprobs=2))
        info = engine.cache()
    assert all(isinstance(event, TextDelta | Finished) for event in events)
    result = events[-1].result
    assert "".join(event.text for event in events[:-1]) == result.text == first.text
    assert tuple(one for event in events[:-1] for one in event.logprobs) == first.logprobs
    assert replace(result, cached=None) == first
    assert result.cached is not None
    assert (result.cached.tier, result.cached.saved_s) == (CacheTier.DISK, first.timings.total_s)
    assert again.cached is not None
    assert again.cached.tier is CacheTier.MEMORY
    assert (info.lookups, info.hits, info.disk.hits, info.memory.hits) == (2, 2, 1, 1)
    assert info.saved_s == pytest.approx(2 * first.timings.total_s)


async def test_fresh_is_computed_and_kept_and_off_is_neither(engine: Engine):
    first = await answer(engine, ask())
    for use in (CacheUse.FRESH, CacheUse.OFF):
        assert (await answer(engine, ask(cache=use))).cached is None
    hit = await answer(engine, ask())
    assert hit.cached is not None
    assert hit.cached.stored_at > 0
    assert hit.text == first.text
    assert (await answer(engine, ask("Other?", cache=CacheUse.OFF))).cached is None
    assert (await answer(engine, ask("Other?"))).cached is None


async def test_what_is_drawn_by_chance_is_kept_only_for_those_who_ask_for_a_replay(engine: Engine):
    for sampling in (CHANCE, None):
        for _ in range(2):
            assert (await answer(engine, ask(sampling=sampling))).cached is None
    assert engine.cache().memory.entries == 0
    kept = await answer(engine, ask(sampling=CHANCE, cache=CacheUse.REPLAY))
    assert kept.cached is None
    replayed = await answer(engine, ask(sampling=CHANCE, cache=CacheUse.REPLAY))
    assert replayed.cached is not None
    assert replayed.text == kept.text
    assert (await answer(engine, ask(sampling=CHANCE))).cached is None
    seeded = replace(CHANCE, seed=5)
    first = await answer(engine, ask(sampling=seeded))
    again = await answer(engine, ask(sampling=seeded))
    assert first.cached is None
    assert again.cached is not None
    assert again.text == first.text


async def test_a_changed_model_is_another_one(engine: Engine, random_models: Path, tmp_path: Path):
    path = tmp_path / "mine.gguf"
    shutil.copy(random_models / "plain.gguf", path)
    request = GenerateRequest(model=str(path), prompt="abc", sampling=GREEDY, max_tokens=5)
    assert (await answer(engine, request)).cached is None
    assert (await answer(engine, request)).cached is not None
    path.unlink()
    write_random_gguf(path, "tiny", "q4_k_m")
    assert (await answer(engine, request)).cached is None


async def test_two_who_ask_at_once_share_one_computation(engine: Engine, random_models: Path):
    request = endless(random_models)
    one, two = await asyncio.gather(events_of(engine, request), events_of(engine, request))
    results = [one[-1].result, two[-1].result]
    assert [result.cached and result.cached.tier for result in results] == [None, CacheTier.FLIGHT]
    for events, result in zip((one, two), results, strict=True):
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == result.text
    assert results[0].text == results[1].text
    assert len(engine.queue().ended) == 1
    info = engine.cache()
    assert (info.lookups, info.hits) == (2, 1)


async def test_who_is_more_urgent_or_wants_it_anew_does_not_join(engine: Engine, random_models: Path):
    request = endless(random_models, max_tokens=100)
    others = [
        replace(request, urgency=Urgency.BATCH),
        replace(request, level=4),
        replace(request, cache=CacheUse.FRESH),
    ]
    results = await asyncio.gather(*(answer(engine, it) for it in (request, *others)))
    assert [result.cached for result in results] == [None] * 4


async def test_who_reads_along_survives_the_first_ones_leaving(engine: Engine, random_models: Path):
    request = endless(random_models, max_tokens=300)
    joined: asyncio.Task[list[Event]] | None = None
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                joined = asyncio.ensure_future(events_of(engine, request))
                await until(lambda: engine.cache().lookups == 2)
                break
    assert joined is not None
    rest = await joined
    result = rest[-1].result
    assert result.usage.output_tokens == 300
    assert "".join(event.text for event in rest if isinstance(event, TextDelta)) == result.text
    assert [entry.outcome.value for entry in engine.queue().ended] == ["done"]


async def test_what_nobody_waits_for_is_stopped_and_not_kept(engine: Engine, random_models: Path):
    request = endless(random_models, max_tokens=400)
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    assert [entry.outcome.value for entry in engine.queue().ended] == ["cancelled"]
    assert (await answer(engine, request)).cached is None


async def test_errors_come_to_all_and_are_not_kept(engine: Engine):
    wrong = ask(json_schema="{nonsense")
    for _ in range(2):
        errors = await asyncio.gather(*(answer(engine, wrong) for _ in range(2)), return_exceptions=True)
        assert [type(error).__mro__[1].__name__ for error in errors] == ["RequestError"] * 2
    await answer(engine, ask())
    with pytest.raises(InvalidRequestError, match="level"):  # what is wrong is not answered from the cache either
        await answer(engine, ask(level=9))


@pytest.mark.parametrize("lookups", [0, 4])
async def test_closing_the_engine_ends_shared_computations(config: EngineConfig, random_models: Path, lookups: int):
    engine = Engine(config)
    engine.open()
    engine.pause_queue(True)  # nothing is done before the engine closes
    asked = [
        *(asyncio.ensure_future(answer(engine, endless(random_models))) for _ in range(2)),
        *(asyncio.ensure_future(engine.recognize(RecognizeRequest(model="reader", image=picture("A")))) for _ in "ab"),
    ]
    await asyncio.sleep(0)  # they have begun to look
    await until(lambda: engine.cache().lookups == lookups)
    await engine.close()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [(type(it), str(it)) for it in outcomes] == [(EngineClosedError, "The engine was closed.")] * 4
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


async def test_an_image_counts_by_its_content(engine: Engine, tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(picture("Hearth 2026"))
    first = await engine.recognize(RecognizeRequest(model="reader", image=path))
    assert first.cached is None
    assert first.output.text == "Hearth 2026"
    shutil.copy(path, tmp_path / "b.png")
    for image in (tmp_path / "b.png", picture("Hearth 2026")):
        again = await engine.recognize(RecognizeRequest(model="reader", image=image))
        assert again.cached is not None
        assert again.output == first.output
    path.write_bytes(picture("Other 1789"))
    assert (await engine.recognize(RecognizeRequest(model="reader", image=path))).output.text == "Other 1789"
    request = RecognizeRequest(model="reader", image=picture("Hearth 2026"), cache=CacheUse.FRESH)
    assert (await engine.recognize(request)).cached is None


async def test_an_image_that_is_asked_for_twice_at_once_is_looked_at_once(engine: Engine):
    request = RecognizeRequest(model="reader", image=picture("ABC"))
    results = await asyncio.gather(*(engine.recognize(request) for _ in range(3)))
    assert [result.cached and result.cached.tier for result in results] == [None, CacheTier.FLIGHT, CacheTier.FLIGHT]
    assert len(engine.queue().ended) == 1


async def test_only_texts_that_are_missing_are_embedded(engine: Engine, random_models: Path):
    def request(*texts: str, **fields: object) -> EmbedRequest:
        return EmbedRequest(model=str(random_models / "vectors.gguf"), texts=texts, **fields)

    first = await engine.embed(request("one", "two", "one"))
    assert first.cached is None
    assert first.vectors.shape == (3, 256)
    np.testing.assert_array_equal(first.vectors[0], first.vectors[2])
    more = await engine.embed(request("two", "three", "one"))
    assert more.cached is None
    np.testing.assert_array_equal(more.vectors[[2, 0]], first.vectors[:2])
    assert 0 < more.usage.cached_tokens < more.usage.prompt_tokens
    all_known = await engine.embed(request("three", "two", "two"))
    assert all_known.cached is not None
    assert all_known.cached.tier is CacheTier.MEMORY
    np.testing.assert_array_equal(all_known.vectors, more.vectors[[1, 0, 0]])
    for change in ({"normalize": False}, {"purpose": "query"}, {"cache": CacheUse.OFF}):
        assert (await engine.embed(request("one", **change))).cached is None
    one, two = await asyncio.gather(engine.embed(request("new")), engine.embed(request("new")))
    assert (one.cached, two.cached and two.cached.tier) == (None, CacheTier.FLIGHT)


async def test_clearing_forgets_everything(engine: Engine):
    await answer(engine, ask())
    await engine.clear_cache(answers=False)
    assert (await answer(engine, ask())).cached is not None
    await engine.clear_cache()
    assert (engine.cache().memory.entries, engine.cache().disk.entries) == (0, 0)
    assert (await answer(engine, ask())).cached is None


async def test_a_damaged_store_is_no_reason_to_fail(config: EngineConfig):
    folder = config.cache_dir / "answers"
    folder.mkdir(parents=True)
    (folder / "cache.db").write_bytes(b"nonsense" * 1000)
    async with Engine(config) as engine:
        first = await answer(engine, ask())
        assert (await answer(engine, ask())).cached is not None
        assert engine.cache().trouble == ""
    async with Engine(config) as engine:
        again = await answer(engine, ask())
    assert again.cached is not None
    assert again.text == first.text


async def test_limits_change_while_it_is_open(engine: Engine):
    before = engine.limits()
    assert before == Limits(
        memory_budget_bytes=None, cache_memory_bytes=64 << 20, cache_disk_bytes=10**9, prefix_disk_bytes=2 * 10**9
    )
    await answer(engine, ask())
    with pytest.raises(ConfigError, match="cache_disk_bytes"):
        engine.set_limits(replace(before, cache_disk_bytes=-1))
    assert engine.limits() == before
    await until(lambda: engine.cache().disk.entries == 1)
    smaller = Limits(memory_budget_bytes=1, cache_memory_bytes=0, cache_disk_bytes=0, prefix_disk_bytes=0)
    engine.set_limits(smaller)
    assert engine.limits() == smaller
    assert engine.hardware().memory_budget_bytes == 1
    await until(lambda: not engine.snapshot().loaded)  # it is idle, and more than the budget
    await until(lambda: engine.cache().disk.entries == 0)
    engine.set_limits(before)
    assert (await answer(engine, ask())).cached is None
    assert (await answer(engine, ask())).cached is not None


async def test_no_prompt_is_on_disk_and_no_answer_but_in_its_place(config: EngineConfig):
    canary = "canary-5f2b"
    async with Engine(config) as engine:
        await answer(engine, ask(f"Say {canary}", title=canary))
    found = [path for path in config.home.rglob("*") if path.is_file() and canary.encode() in path.read_bytes()]
    assert {path.parent.name for path in found} <= {"answers"}
    assert json.dumps([path.name for path in found]).count("db") == len(found)
