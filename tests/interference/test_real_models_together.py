"""Real models on one machine: what each says does not depend on who else is there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from engine import Engine, Finished, GenerateRequest, RecognizeRequest, Sampling, Urgency, user
from engine.bench.random_model import write_random_gguf
from engine.cli.demo import text_image
from engine.errors import ModelFileError, RequestCancelledError
from engine.queueing import RequestState
from engine.types import GenerateResult, TextDelta
from tests.computing import computing

GREEDY = Sampling(temperature=0.0)
QUESTIONS = ("What is a list?", "How do I sort numbers?", "What does a function return?")


def ask(question: str, **fields: object) -> GenerateRequest:
    asked = {"model": "starter", "messages": (user(question),), "sampling": GREEDY, "max_tokens": 60, **fields}
    return GenerateRequest(**asked)


async def answer(engine: Engine, request: GenerateRequest) -> GenerateResult:
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return event.result
    raise AssertionError("the answer has no end")


async def text(engine: Engine, request: GenerateRequest) -> str:
    return (await answer(engine, request)).text


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second language model, of random weights."""
    path = tmp_path_factory.mktemp("models") / "other.gguf"
    write_random_gguf(path, "tiny", "q8_0")
    return path


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[Engine]:
    async with Engine(computing(home=tmp_path)) as opened:
        yield opened


def cut_off(path: Path, to: Path) -> Path:
    to.write_bytes(path.read_bytes()[:5000])
    return to


def noise(other: Path, **fields: object) -> GenerateRequest:
    asked = {"model": str(other), "prompt": "abcdef", "sampling": GREEDY, "max_tokens": 200, **fields}
    return GenerateRequest(**asked)


async def test_answers_are_the_same_beside_another_model_and_pictures(engine: Engine, other: Path) -> None:
    alone = [await text(engine, ask(question)) for question in QUESTIONS]
    picture = RecognizeRequest(model="reader", image=text_image("HEARTH 42"))
    seen = (await engine.recognize(picture)).output.text
    background = [asyncio.ensure_future(text(engine, noise(other, urgency=Urgency.BATCH))) for _ in range(6)]
    pictures = [asyncio.ensure_future(engine.recognize(picture)) for _ in range(8)]
    for question, expected in zip(QUESTIONS, alone, strict=True):
        assert await text(engine, ask(question)) == expected
    assert {result.output.text for result in await asyncio.gather(*pictures)} == {seen}
    noises = await asyncio.gather(*background)
    assert len(set(noises)) == 1


async def test_models_that_share_too_little_memory_say_the_same_as_with_enough(tmp_path: Path, other: Path) -> None:
    async with Engine(computing(home=tmp_path, max_sequences=4, context_tokens=512)) as roomy:
        expected = [await text(roomy, ask(question)) for question in QUESTIONS]
        await text(roomy, noise(other))
        needed = [roomy._residency().estimates.of(model.info) for model in roomy.snapshot().loaded]
    budget = int(max(needed) * 1.1)
    assert sum(needed) > budget
    tight = computing(home=tmp_path, max_sequences=4, context_tokens=512, memory_budget_bytes=budget)
    async with Engine(tight) as engine:
        batch = asyncio.ensure_future(text(engine, noise(other, urgency=Urgency.BATCH)))
        answers = await asyncio.gather(*(text(engine, ask(question)) for question in QUESTIONS))
        assert await batch == await text(engine, noise(other))
        loaded = engine.snapshot().loaded
        assert len(loaded) == 1
        assert sum(model.memory_bytes for model in loaded) <= budget
    assert answers == expected


async def test_an_answer_that_gives_way_goes_on_as_if_nothing_had_been(tmp_path: Path, other: Path) -> None:
    # As many threads always: how long sums are split among them shows in their last bits.
    async with Engine(computing(home=tmp_path, max_sequences=1, threads=1)) as engine:
        drawn = Sampling(temperature=0.9, seed=7)
        long = replace(noise(other, urgency=Urgency.BATCH), sampling=drawn, max_tokens=1200)
        undisturbed = await answer(engine, long)
        assert undisturbed.usage.output_tokens == 1200
        running = asyncio.ensure_future(text(engine, long))
        pauses = 0
        while not running.done():
            quick = asyncio.ensure_future(text(engine, noise(other, prompt="zyxwvu", max_tokens=10)))
            while not quick.done():
                pauses += any(one.state is RequestState.PAUSED for one in engine.queue().requests)
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)
        assert await running == undisturbed.text
        assert pauses


async def test_a_broken_file_and_a_cancelled_request_disturb_nobody(
    engine: Engine, other: Path, tmp_path: Path
) -> None:
    expected = await text(engine, ask(QUESTIONS[0]))
    broken = cut_off(other, tmp_path / "broken.gguf")
    endless = asyncio.ensure_future(text(engine, noise(other, title="endless", urgency=Urgency.BATCH)))
    answers = [asyncio.ensure_future(text(engine, ask(QUESTIONS[0]))) for _ in range(4)]
    with pytest.raises(ModelFileError):
        await text(engine, noise(broken))
    for request in engine.queue().requests:
        if request.title == "endless":
            engine.cancel_request(request.id)
    assert set(await asyncio.gather(*answers)) == {expected}
    with suppress(RequestCancelledError):
        await endless


async def test_a_reader_s_answer_flows_beside_work_of_another_model(engine: Engine, other: Path) -> None:
    await asyncio.gather(text(engine, noise(other)), text(engine, ask(QUESTIONS[0])))  # loads both
    batch = [
        asyncio.ensure_future(text(engine, noise(other, urgency=Urgency.BATCH, title=f"batch {number}")))
        for number in range(12)
    ]
    await asyncio.sleep(0.1)
    arrivals: list[float] = []
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    async with aclosing(engine.generate(ask(QUESTIONS[2], max_tokens=100))) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                arrivals.append(loop.time())  # noqa: PERF401 - the time is what counts
    assert arrivals[0] - began_s < 1.0
    assert max(b - a for a, b in pairwise(arrivals)) < 1.0
    for task in batch:
        task.cancel()
    await asyncio.gather(*batch, return_exceptions=True)
