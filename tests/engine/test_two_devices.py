"""Two devices and backends without weights: who runs where, who moves, what is said; everything real but arithmetic."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.devices.inventory import Inventory
from engine.engine import Engine
from engine.errors import DeviceError, DeviceLostError, EngineError, ModelError, OutOfMemoryError
from engine.hardware import DeviceInfo, DeviceKind, HardwareEventKind, Route
from engine.testing import FakeBackend
from engine.types import Finished, GenerateRequest, RecognizeRequest, SteppedDown, TextDelta

GIB = 1 << 30
GPU = DeviceInfo(
    id="gpu:0",
    kind=DeviceKind.GPU,
    name="Test GPU",
    memory_bytes=8 * GIB,
    routes=(Route(backend="llama.cpp", interface="Vulkan", target="Vulkan0", free_bytes=8 * GIB),),
)
LOST = DeviceLostError("The process that used gpu:0 crashed (SIGABRT).")


class TwoDevices(Inventory):
    """The processor, and a GPU that is not there."""

    def devices(self) -> tuple[DeviceInfo, ...]:
        return (*super().devices()[:1], GPU)


@pytest.fixture(autouse=True)
def two_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.scheduling.opening.inventory_of", lambda _config: TwoDevices(None, None))


async def generate(engine: Engine, request: GenerateRequest) -> tuple[list[SteppedDown], Finished]:
    moves, finished = [], None
    async for event in engine.generate(request):
        if isinstance(event, SteppedDown):
            moves.append(event)
        elif isinstance(event, Finished):
            finished = event
    assert finished is not None
    return moves, finished


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not is_true():  # noqa: ASYNC110 - what other threads do raises no event here
            await asyncio.sleep(0.005)


ASK = GenerateRequest(model="text", prompt="some words", device="gpu:0")


async def test_a_request_runs_where_it_is_told_to(make_engine: Callable[..., Engine]):
    backend = FakeBackend()
    engine = make_engine(backend)
    moves, finished = await generate(engine, ASK)
    assert (moves, finished.result.placement.device) == ([], "gpu:0")
    _, finished = await generate(engine, replace(ASK, device="cpu"))
    assert finished.result.placement.device == "cpu"
    assert {model.device for model in backend.models} == {"cpu", "gpu:0"}
    assert {info.device for info in engine.snapshot().loaded} == {"cpu", "gpu:0"}
    assert engine.hardware().loads["gpu:0"].models == ("text",)


async def test_unloading_takes_a_model_from_every_device(make_engine: Callable[..., Engine]):
    engine = make_engine(FakeBackend())
    await generate(engine, ASK)
    await generate(engine, replace(ASK, device="cpu"))
    assert await engine.unload("text")
    assert engine.snapshot().loaded == ()
    kinds = [event.kind for event in engine.telemetry.events()]
    assert kinds.count(HardwareEventKind.UNLOADED) == 2


async def test_text_goes_on_behind_what_was_written(make_engine: Callable[..., Engine]):
    script = tuple("abcdefgh")
    backend = FakeBackend(script=script, step_error=LOST, fail_after_steps=4, fails_on="gpu:0")
    engine = make_engine(backend)
    moves, finished = await generate(engine, ASK)
    assert finished.result.text == "abcdefgh"
    assert finished.result.usage.output_tokens == 8
    assert [(move.from_device, move.to_device) for move in moves] == [("gpu:0", "cpu")]
    assert finished.result.placement.step_downs == (moves[0].sentence,)
    assert moves[0].sentence.startswith(LOST.cause)


async def test_a_lost_device_is_left_alone_for_a_while(make_engine: Callable[..., Engine]):
    backend = FakeBackend(step_error=LOST, fails_on="gpu:0")
    engine = make_engine(backend)
    await generate(engine, ASK)
    assert engine.hardware().loads["gpu:0"].failure == LOST.cause
    moves, finished = await generate(engine, replace(ASK, device=""))
    assert (moves, finished.result.placement.device) == ([], "cpu")


async def test_several_answers_move_together(make_engine: Callable[..., Engine]):
    backend = FakeBackend(script=tuple("abcdefgh"), step_error=LOST, fail_after_steps=3, fails_on="gpu:0")
    engine = make_engine(backend)
    outcomes = await asyncio.gather(*(generate(engine, ASK) for _ in range(4)))
    assert {finished.result.text for _, finished in outcomes} == {"abcdefgh"}
    assert {finished.result.placement.device for _, finished in outcomes} == {"cpu"}


@pytest.mark.parametrize(
    "error", [LOST, OutOfMemoryError("It does not fit into gpu:0."), DeviceError("The graph is refused.")]
)
async def test_what_does_not_load_there_loads_on_the_processor(make_engine: Callable[..., Engine], error: EngineError):
    engine = make_engine(FakeBackend(load_error=error, fails_on="gpu:0"))
    moves, finished = await generate(engine, ASK)
    assert finished.result.placement.device == "cpu"
    assert error.cause in moves[0].sentence


async def test_a_model_that_loads_nowhere_fails_with_its_own_error(make_engine: Callable[..., Engine]):
    engine = make_engine(FakeBackend(load_error=ModelError("The file is broken.")))
    with pytest.raises(ModelError, match="is broken"):
        await generate(engine, ASK)


async def test_images_move(make_engine: Callable[..., Engine]):
    engine = make_engine(FakeBackend(step_error=LOST, fails_on="gpu:0"))
    request = RecognizeRequest(model="eyes", image=b"x", device="gpu:0")
    results = await asyncio.gather(*(engine.recognize(request) for _ in range(3)))
    assert {result.placement.device for result in results} == {"cpu"}
    assert all(LOST.cause in result.placement.step_downs[0] for result in results)


async def test_a_cancelled_answer_does_not_move(make_engine: Callable[..., Engine]):
    backend = FakeBackend(repeat=True, step_s=0.005, step_error=LOST, fail_after_steps=50, fails_on="gpu:0")
    engine = make_engine(backend)
    stream = engine.generate(replace(ASK, max_tokens=None))
    async for event in stream:
        if isinstance(event, TextDelta):
            break
    await stream.aclose()
    await until(lambda: not engine.snapshot().running)
    assert [model.device for model in backend.models] == ["gpu:0"]


async def test_on_the_processor_a_failure_stays_a_failure(make_engine: Callable[..., Engine]):
    engine = make_engine(FakeBackend(step_error=EngineError("It broke.")))
    with pytest.raises(EngineError, match="It broke"):
        await generate(engine, replace(ASK, device="cpu"))
    assert not any(event.kind is HardwareEventKind.STEP_DOWN for event in engine.telemetry.events())


async def test_closing_while_a_request_moves_ends_it(make_engine: Callable[..., Engine]):
    backend = FakeBackend(step_error=LOST, fails_on="gpu:0", script=tuple("ab") * 50, step_s=0.01)
    engine = make_engine(backend)
    task = asyncio.ensure_future(generate(engine, ASK))
    await until(lambda: bool(backend.models))
    await engine.close()
    with pytest.raises(EngineError):
        await task


async def test_a_choice_of_a_person_holds_until_it_is_taken_back(make_engine: Callable[..., Engine]):
    engine = make_engine(FakeBackend())
    engine.set_device("text", "gpu:0")
    _, finished = await generate(engine, replace(ASK, device=""))
    assert finished.result.placement.device == "gpu:0"
    engine.set_device("text", "cpu")
    _, finished = await generate(engine, replace(ASK, device=""))
    assert finished.result.placement.device == "cpu"
    with pytest.raises(DeviceError, match="no device npu:3"):
        engine.set_device("text", "npu:3")


async def test_device_seconds_are_counted(make_engine: Callable[..., Engine]):
    engine = make_engine(FakeBackend(step_s=0.01))
    outcomes = await asyncio.gather(*(generate(engine, ASK) for _ in range(2)))
    seconds = [finished.result.placement.device_s for _, finished in outcomes]
    assert all(0.01 < taken < 0.2 for taken in seconds)
    assert all(finished.result.placement.energy_j is None for _, finished in outcomes)
    await until(lambda: engine.snapshot().loaded[0].device_s >= sum(seconds))


async def test_a_chosen_device_that_is_gone_is_stepped_over_and_said(make_engine: Callable[..., Engine]):
    engine = make_engine(FakeBackend())
    engine._overrides.choose("text", "gpu:5")
    moves, finished = await generate(engine, replace(ASK, device=""))
    assert (moves[0].from_device, finished.result.placement.device) == ("gpu:5", moves[0].to_device)
    assert "gpu:5, which was chosen for it, is not there any more" in moves[0].sentence
    assert finished.result.placement.step_downs == (moves[0].sentence,)


async def test_a_device_without_room_is_stepped_over_and_said(
    make_engine: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch
):
    route = replace(GPU.routes[0], free_bytes=1000)
    monkeypatch.setitem(globals(), "GPU", replace(GPU, memory_bytes=1000, routes=(route,)))
    engine = make_engine(FakeBackend())
    moves, finished = await generate(engine, ASK)
    assert finished.result.placement.device == "cpu"
    assert "gpu:0 needs" in moves[0].sentence
    report = await engine.placements("text")
    refused = next(candidate for candidate in report.candidates if candidate.device == "gpu:0")
    assert "are free" in refused.refusal
