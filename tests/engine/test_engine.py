"""The engine's door, with real threads, queues and streams over fake models."""

import asyncio
import gc
import threading
from contextlib import aclosing

import numpy as np
import psutil
import pytest

from engine.config import EngineConfig
from engine.engine import Engine
from engine.errors import (
    CapabilityError,
    ContextOverflowError,
    EngineClosedError,
    InvalidRequestError,
    ModelError,
    ModelFileError,
    ModelNotFoundError,
)
from engine.testing import FakeBackend
from engine.types import (
    EmbedRequest,
    Event,
    Finished,
    FinishReason,
    GenerateRequest,
    GenerateResult,
    Loading,
    Prefill,
    Queued,
    RecognizeRequest,
    TextDelta,
    user,
)

ENDLESS = {"repeat": True, "step_s": 0.001}


def ask(model: str = "text", **fields: object) -> GenerateRequest:
    return GenerateRequest(model=model, messages=(user("one two three"),), **fields)


async def collect(engine: Engine, request: GenerateRequest) -> list[Event]:
    async with aclosing(engine.generate(request)) as events:
        return [event async for event in events]


async def answer(engine: Engine, request: GenerateRequest) -> GenerateResult:
    last = (await collect(engine, request))[-1]
    assert isinstance(last, Finished)
    return last.result


async def until(condition, timeout_s: float = 5.0) -> None:
    """Wait for something that happens on another thread and tells nobody."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


async def test_an_answer_flows_in_order_and_is_summed_up(make_engine) -> None:
    engine = make_engine(FakeBackend())
    events = await collect(engine, ask())
    kinds = list(dict.fromkeys(type(event) for event in events))
    assert [k for k in kinds if k is not Queued] == [Loading, Prefill, TextDelta, Finished]
    text = "".join(event.text for event in events if isinstance(event, TextDelta))
    result = events[-1].result
    assert result.text == text == "Hello, world."
    assert result.finish_reason is FinishReason.STOP
    assert (result.usage.prompt_tokens, result.usage.output_tokens) == (3, 4)
    assert result.placement.device == "cpu"
    timings = result.timings
    assert 0 <= timings.queued_s <= timings.first_token_s <= timings.total_s
    assert timings.load_s >= 0


async def test_max_tokens_ends_with_length(make_engine) -> None:
    result = await answer(make_engine(FakeBackend()), ask(max_tokens=2))
    assert (result.text, result.finish_reason) == ("Hello, ", FinishReason.LENGTH)


async def test_closing_the_generator_stops_within_one_step(make_engine) -> None:
    backend = FakeBackend(**ENDLESS)
    engine = make_engine(backend)
    async with aclosing(engine.generate(ask(max_tokens=None))) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    steps_at_stop = len(backend.models[0].batch_sizes)
    await until(lambda: backend.models[0].released)
    assert len(backend.models[0].batch_sizes) <= steps_at_stop + 2
    assert engine.snapshot().running == 0


async def test_cancelling_the_task_stops_the_sequence(make_engine) -> None:
    backend = FakeBackend(**ENDLESS)
    engine = make_engine(backend)
    task = asyncio.ensure_future(answer(engine, ask(max_tokens=None)))
    await until(lambda: backend.models and backend.models[0].batch_sizes)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: backend.models[0].released)


async def test_requests_of_one_model_are_decoded_together(make_engine) -> None:
    backend = FakeBackend(script=("x",) * 50, step_s=0.001)
    engine = make_engine(backend)
    await answer(engine, ask())
    results = await asyncio.gather(*(answer(engine, ask()) for _ in range(8)))
    assert {result.text for result in results} == {"x" * 50}
    assert max(backend.models[0].batch_sizes) >= 4


async def test_no_more_sequences_than_the_setting_and_the_rest_hears_its_position(make_engine) -> None:
    backend = FakeBackend(script=("x",) * 20, step_s=0.002)
    engine = make_engine(backend, max_sequences=2)
    everything = await asyncio.gather(*(collect(engine, ask()) for _ in range(6)))
    assert max(backend.models[0].batch_sizes) == 2
    assert all(isinstance(events[-1], Finished) for events in everything)
    positions = [event.position for events in everything for event in events if isinstance(event, Queued)]
    assert max(positions) >= 3


async def test_two_models_take_turns(make_engine) -> None:
    backend = FakeBackend(script=("x",) * 100, step_s=0.001)
    engine = make_engine(backend)
    order: list[str] = []

    async def read(model: str) -> None:
        async with aclosing(engine.generate(ask(model))) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    order.append(model)  # noqa: PERF401 - the other reader appends in between

    await engine.load("text")
    await engine.load("other")
    await asyncio.gather(read("text"), read("other"))
    assert len(set(order[: len(order) // 3])) == 2  # both flow from the beginning


async def test_a_prompt_that_is_too_long_is_refused_before_it_starts(make_engine) -> None:
    engine = make_engine(FakeBackend(), context_tokens=16)
    with pytest.raises(ContextOverflowError, match=r"20 tokens.*holds 16") as caught:
        await collect(engine, GenerateRequest(model="text", prompt="word " * 20))
    assert (caught.value.prompt_tokens, caught.value.context_tokens) == (20, 16)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (GenerateRequest(model="nobody", prompt="hi"), ModelNotFoundError),
        (GenerateRequest(model="text", prompt="  "), InvalidRequestError),
        (GenerateRequest(model="eyes", prompt="hi"), CapabilityError),
    ],
)
async def test_a_bad_request_fails_alone(make_engine, request_, error) -> None:
    engine = make_engine(FakeBackend())
    with pytest.raises(error):
        await collect(engine, request_)
    assert (await answer(engine, ask())).text == "Hello, world."


async def test_a_failed_load_reaches_the_caller(make_engine) -> None:
    backend = FakeBackend(load_error=ModelFileError("The file is cut off.", "Fetch it again."))
    engine = make_engine(backend)
    with pytest.raises(ModelFileError, match=r"cut off\. Fetch it again"):
        await collect(engine, ask())
    backend.load_error = None
    assert (await answer(engine, ask())).text == "Hello, world."


@pytest.mark.parametrize("error", [RuntimeError("native trouble"), ModelError("The device is gone.")])
async def test_a_model_that_breaks_fails_its_requests_and_is_loaded_anew(make_engine, error) -> None:
    backend = FakeBackend(repeat=True, step_error=error, fail_after_steps=3)
    engine = make_engine(backend)
    with pytest.raises(ModelError, match=r"native trouble|device is gone"):
        await collect(engine, ask(max_tokens=None))
    assert backend.models[0].is_closed
    backend.step_error = None
    assert (await answer(engine, ask(max_tokens=5))).usage.output_tokens == 5
    assert len(backend.models) == 2


async def test_images_asked_for_together_run_as_one_batch(make_engine) -> None:
    backend = FakeBackend(step_s=0.01)
    engine = make_engine(backend)
    requests = [RecognizeRequest(model="eyes", image=b"x") for _ in range(10)]
    results = await asyncio.gather(*(engine.recognize(request) for request in requests))
    assert {result.output.text for result in results} == {"HEARTH 42"}
    assert max(backend.models[0].batch_sizes) > 1


async def test_a_broken_image_does_not_spoil_the_others(make_engine) -> None:
    engine = make_engine(FakeBackend(step_s=0.01))
    images = (b"x", b"", b"y")
    results = await asyncio.gather(
        *(engine.recognize(RecognizeRequest(model="eyes", image=image)) for image in images), return_exceptions=True
    )
    assert isinstance(results[1], InvalidRequestError)
    assert results[0].output.text == results[2].output.text == "HEARTH 42"


async def test_top_k_limits_the_labels(make_engine) -> None:
    engine = make_engine(FakeBackend())
    result = await engine.recognize(RecognizeRequest(model="eyes", image=b"x", top_k=1))
    assert [label.name for label in result.output.labels] == ["letter"]
    with pytest.raises(InvalidRequestError, match="top_k is 0"):
        await engine.recognize(RecognizeRequest(model="eyes", image=b"x", top_k=0))


async def test_many_texts_are_embedded_in_batches_and_normalised(make_engine) -> None:
    backend = FakeBackend()
    engine = make_engine(backend)
    texts = tuple("abcdefghij")
    result = await engine.embed(EmbedRequest(model="vectors", texts=texts))
    assert backend.models[0].batch_sizes == [4, 4, 2]
    assert result.vectors.shape == (10, 26)
    assert np.allclose(np.linalg.norm(result.vectors, axis=1), 1.0)
    assert result.vectors.argmax(axis=1).tolist() == list(range(10))
    assert result.usage.prompt_tokens == 10


async def test_raw_vectors_keep_their_length_and_no_text_is_refused(make_engine) -> None:
    engine = make_engine(FakeBackend())
    result = await engine.embed(EmbedRequest(model="vectors", texts=("aab",), normalize=False))
    assert result.vectors[0, :2].tolist() == [2.0, 1.0]
    with pytest.raises(InvalidRequestError, match="no text"):
        await engine.embed(EmbedRequest(model="vectors", texts=()))


async def test_text_and_images_at_the_same_time(make_engine) -> None:
    backend = FakeBackend(script=("x",) * 200, step_s=0.001)
    engine = make_engine(backend)
    writing = asyncio.ensure_future(answer(engine, ask()))
    await until(lambda: engine.snapshot().running)
    seen = await engine.recognize(RecognizeRequest(model="eyes", image=b"x"))
    assert not writing.done()
    assert seen.output.text == "HEARTH 42"
    assert (await writing).text == "x" * 200


async def test_unload_frees_the_model_unless_it_is_in_use(make_engine) -> None:
    backend = FakeBackend(**ENDLESS)
    engine = make_engine(backend)
    assert await engine.unload("text") is False
    task = asyncio.ensure_future(answer(engine, ask(max_tokens=None)))
    await until(lambda: engine.snapshot().running)
    with pytest.raises(ModelError, match="a request is using it"):
        await engine.unload("text")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await engine.unload("text") is True
    assert backend.models[0].is_closed
    assert engine.snapshot().loaded == ()


async def test_the_snapshot_tells_what_is_going_on(make_engine) -> None:
    engine = make_engine(FakeBackend(**ENDLESS))
    assert engine.snapshot().tokens_per_s == 0
    async with aclosing(engine.generate(ask(max_tokens=None))) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                snapshot = engine.snapshot()
                break
    assert [model.info.id for model in snapshot.loaded] == ["text"]
    assert snapshot.running == snapshot.loaded[0].running == 1
    assert snapshot.tokens_per_s > 0
    assert 0 < snapshot.memory_bytes < snapshot.memory_limit_bytes
    assert snapshot.threads_reason


async def test_a_closed_engine_says_so() -> None:
    engine = Engine(EngineConfig(), backends={})
    with pytest.raises(EngineClosedError, match="not open"):
        await anext(engine.generate(ask()))
    with pytest.raises(EngineClosedError):
        engine.snapshot()


async def test_closing_ends_what_runs_and_what_waits(make_engine) -> None:
    engine = make_engine(FakeBackend(**ENDLESS), max_sequences=1)
    tasks = [asyncio.ensure_future(collect(engine, ask(max_tokens=None))) for _ in range(3)]
    picture = asyncio.ensure_future(engine.recognize(RecognizeRequest(model="eyes", image=b"x")))
    await until(lambda: engine.snapshot().running)
    await engine.close()
    outcomes = await asyncio.gather(*tasks, picture, return_exceptions=True)
    assert all(isinstance(outcome, EngineClosedError) for outcome in outcomes[:3])
    assert isinstance(outcomes[3], EngineClosedError) or outcomes[3].output.text == "HEARTH 42"


async def test_closing_cancels_a_load(make_engine) -> None:
    started = threading.Event()

    class SlowBackend(FakeBackend):
        def load(self, info, options, progress):
            started.set()
            while progress(0.1):
                threading.Event().wait(0.001)
            raise ModelError("cancelled")

    engine = make_engine(SlowBackend())
    task = asyncio.ensure_future(collect(engine, ask()))
    await until(started.is_set)
    async with asyncio.timeout(2):
        await engine.close()
    with pytest.raises(EngineClosedError):
        await task


async def test_fifty_engines_leave_no_thread_and_little_memory(make_engine) -> None:
    async def once() -> None:
        engine = make_engine(FakeBackend(script=("x" * 1000,) * 20))
        assert (await answer(engine, ask())).text
        await engine.close()

    for _ in range(5):
        await once()
    gc.collect()
    threads, memory = threading.active_count(), psutil.Process().memory_info().rss
    for _ in range(50):
        await once()
    gc.collect()
    assert threading.active_count() <= threads
    assert psutil.Process().memory_info().rss - memory < 16 << 20


async def test_two_engines_do_not_disturb_each_other(make_engine) -> None:
    one, two = make_engine(FakeBackend(script=("1",) * 30)), make_engine(FakeBackend(script=("2",) * 30))
    first, second = await asyncio.gather(answer(one, ask()), answer(two, ask()))
    assert (first.text, second.text) == ("1" * 30, "2" * 30)
    await one.close()
    assert (await answer(two, ask())).text == "2" * 30
