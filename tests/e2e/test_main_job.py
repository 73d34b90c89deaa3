"""The main job, for real: the bundled models through the public door, as a person's notebook would use them."""

import asyncio
import gc
import io
import threading
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest
from PIL import Image, ImageDraw, ImageFont

from engine import (
    Engine,
    EngineConfig,
    Finished,
    GenerateRequest,
    GenerateResult,
    RecognizeRequest,
    Sampling,
    TextDelta,
    user,
)
from engine.bench.random_model import write_random_gguf

pytestmark = pytest.mark.models

GREEDY = Sampling(temperature=0)


@pytest.fixture
def config(tmp_path: Path) -> EngineConfig:
    return EngineConfig(home=tmp_path, max_sequences=4, context_tokens=512)


@pytest.fixture(scope="module")
def random_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "random.gguf"
    write_random_gguf(path, "tiny", "q8_0")
    return path


def picture(text: str) -> bytes:
    image = Image.new("RGB", (360, 80), "white")
    ImageDraw.Draw(image).text((20, 16), text, fill="black", font=ImageFont.load_default(size=40))
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return encoded.getvalue()


async def answer(engine: Engine, request: GenerateRequest) -> GenerateResult:
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return event.result
    raise AssertionError("the answer never finished")


async def test_a_question_is_answered_while_a_picture_is_read(config: EngineConfig) -> None:
    question = GenerateRequest(model="starter", messages=(user("What is Hearth?"),), sampling=GREEDY, max_tokens=40)
    async with Engine(config) as engine:
        written, seen = await asyncio.gather(
            answer(engine, question), engine.recognize(RecognizeRequest(model="reader", image=picture("Hearth 2026")))
        )
    assert len(written.text.split()) >= 4
    assert written.placement.backend == "llama.cpp"
    assert "2026" in seen.output.text
    assert seen.placement.backend == "onnxruntime"


async def test_the_same_seed_gives_the_same_text_and_another_seed_another(config: EngineConfig) -> None:
    def ask(seed: int) -> GenerateRequest:
        return GenerateRequest(
            model="starter", prompt="def ", sampling=Sampling(temperature=1.0, seed=seed), max_tokens=24
        )

    async with Engine(config) as engine:
        first, again, other = [(await answer(engine, ask(seed))).text for seed in (1, 1, 2)]
    assert first == again != other


async def test_the_next_turn_reuses_the_conversation(config: EngineConfig) -> None:
    question = user("What is a list in Python? " * 8)
    async with Engine(config) as engine:
        first = await answer(engine, GenerateRequest(model="starter", messages=(question,), max_tokens=8))
        again = await answer(engine, GenerateRequest(model="starter", messages=(question,), max_tokens=8))
    assert first.usage.cached_tokens == 0
    assert again.usage.cached_tokens == again.usage.prompt_tokens - 1


async def test_two_loaded_models_answer_in_turns(config: EngineConfig, random_model: Path) -> None:
    order: list[str] = []

    async def read(engine: Engine, model: str) -> None:
        request = GenerateRequest(model=model, prompt="def add(", sampling=GREEDY, max_tokens=100)
        async with aclosing(engine.generate(request)) as events:
            async for event in events:
                order.extend([model] if isinstance(event, TextDelta) else [])  # one by one: the order is what counts

    async with Engine(config) as engine:
        await engine.load("starter")
        await engine.load(str(random_model))
        await asyncio.gather(read(engine, "starter"), read(engine, str(random_model)))
    assert len(set(order[: max(4, len(order) // 3)])) == 2


async def test_more_requests_than_places_all_get_their_answer(config: EngineConfig, random_model: Path) -> None:
    requests = [
        GenerateRequest(model=str(random_model), prompt=f"number {n}", sampling=GREEDY, max_tokens=12)
        for n in range(11)
    ]
    async with Engine(config) as engine:
        results = await asyncio.gather(*(answer(engine, request) for request in requests))
    assert [result.usage.output_tokens for result in results] == [12] * 11


async def test_stopping_frees_the_place_for_the_next(config: EngineConfig, random_model: Path) -> None:
    endless = GenerateRequest(model=str(random_model), prompt="go", sampling=GREEDY, max_tokens=None)
    async with Engine(config) as engine:
        for _ in range(10):
            async with aclosing(engine.generate(endless)) as events:
                async for event in events:
                    if isinstance(event, TextDelta):
                        break
        async with asyncio.timeout(5):
            while engine.snapshot().running:  # noqa: ASYNC110 - the lane tells nobody
                await asyncio.sleep(0.005)


async def test_fifty_engines_with_real_models_leave_no_thread_and_little_memory(
    config: EngineConfig, random_model: Path
) -> None:
    request = GenerateRequest(model=str(random_model), prompt="hello", sampling=GREEDY, max_tokens=3)

    async def once() -> None:
        async with Engine(config) as engine:
            await answer(engine, request)

    process = psutil.Process()
    for _ in range(10):
        await once()
    gc.collect()
    threads, python_threads, memory = process.num_threads(), threading.active_count(), process.memory_info().rss
    for _ in range(50):
        await once()
    gc.collect()
    assert threading.active_count() <= python_threads
    assert process.num_threads() <= threads
    assert process.memory_info().rss - memory < 24 << 20


async def test_two_engines_in_one_process(config: EngineConfig, random_model: Path) -> None:
    request = GenerateRequest(model=str(random_model), prompt="hello", sampling=GREEDY, max_tokens=10)
    async with Engine(config) as one, Engine(config) as two:
        first, second = await asyncio.gather(answer(one, request), answer(two, request))
    assert first.text == second.text
