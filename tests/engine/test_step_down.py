"""Requests whose device fails go on elsewhere by themselves, and say so: once, in one sentence."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from engine.engine import Engine
from engine.errors import DeviceError
from engine.hardware import HardwareEventKind
from engine.types import (
    Event,
    Finished,
    GenerateRequest,
    GenerateResult,
    Sampling,
    SteppedDown,
    TextDelta,
    user,
)
from tests.computing import computing

GREEDY = Sampling(temperature=0)
ASK = GenerateRequest(model="starter", messages=(user("What is Hearth?"),), sampling=GREEDY, max_tokens=32)


@pytest.fixture
def all_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEARTH_DEVICES")


async def run(
    engine: Engine, request: GenerateRequest, on_event=lambda _event: None
) -> tuple[list[Event], GenerateResult]:
    events: list[Event] = []
    async with aclosing(engine.generate(request)) as stream:
        async for event in stream:
            events.append(event)
            on_event(event)
    assert isinstance(events[-1], Finished)
    return events, events[-1].result


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.usefixtures("all_devices")
class TestRealDevice:
    """llama.cpp's RPC device, whose server is killed or frozen."""

    @staticmethod
    def engine(tmp_path: Path, *endpoints: str) -> Engine:
        return Engine(computing(home=tmp_path, rpc_servers=endpoints, max_sequences=4))

    async def test_the_faster_device_answers_and_the_result_says_where(self, tmp_path: Path, make_rpc_server):
        server = make_rpc_server()
        async with self.engine(tmp_path, server.endpoint) as engine:
            await engine.settled()
            gpu = next(device for device in engine.hardware().devices if device.id == "gpu:0")
            assert (gpu.routes[0].interface, gpu.is_usable) == ("RPC", True)
            _, there = await run(engine, replace(ASK, device="gpu:0"))
            _, here = await run(engine, replace(ASK, device="cpu"))
            assert (there.placement.device, there.placement.interface) == ("gpu:0", "RPC")
            assert (there.placement.layers, there.placement.total_layers) == (4, 4)
            assert there.placement.device_s > 0
            assert (here.placement.device, here.placement.step_downs) == ("cpu", ())
            assert here.text == there.text
            kinds = [(event.kind, event.device) for event in engine.telemetry.events()]
            assert kinds == [(HardwareEventKind.LOADED, "gpu:0"), (HardwareEventKind.LOADED, "cpu")]

    @pytest.mark.parametrize("how", ["kill", "freeze"])
    async def test_an_answer_is_completed_on_the_processor(self, tmp_path: Path, make_rpc_server, how: str):
        server = make_rpc_server()
        request = replace(ASK, device="gpu:0")
        failed_s: list[float] = []

        def fail_after_some_text(event: Event) -> None:
            if isinstance(event, TextDelta) and not failed_s:
                getattr(server, how)()
                failed_s.append(time.monotonic())

        async with self.engine(tmp_path, server.endpoint) as engine:
            await engine.settled()
            _, expected = await run(engine, replace(ASK, device="cpu"))
            long = replace(request, max_tokens=200)
            events, result = await run(engine, long, fail_after_some_text)
            took_s = time.monotonic() - failed_s[0]
            notices = [event for event in events if isinstance(event, SteppedDown)]
            assert result.text.startswith(expected.text[:40])
            assert text_of(events) == result.text
            assert took_s <= 10
            assert [(notice.from_device, notice.to_device) for notice in notices] == [("gpu:0", "cpu")]
            assert "runs on the processor instead" in notices[0].sentence
            assert (result.placement.device, result.placement.step_downs) == ("cpu", (notices[0].sentence,))
            assert engine.hardware().loads["gpu:0"].failure
            marked = [event.kind for event in engine.telemetry.events()]
            assert marked.count(HardwareEventKind.STEP_DOWN) == 1

    async def test_all_answers_of_a_batch_go_on(self, tmp_path: Path, make_rpc_server):
        server = make_rpc_server()
        async with self.engine(tmp_path, server.endpoint) as engine:
            await engine.settled()
            request = replace(ASK, device="gpu:0", max_tokens=120)
            killed: list[bool] = []

            def kill_once(event: Event) -> None:
                if isinstance(event, TextDelta) and not killed:
                    killed.append(True)
                    server.kill()

            outcomes = await asyncio.gather(*(run(engine, request, kill_once) for _ in range(3)))
            for events, result in outcomes:
                assert text_of(events) == result.text
                assert result.placement.device == "cpu"

    async def test_a_device_that_is_gone_when_the_model_is_loaded_is_stepped_over(
        self, tmp_path: Path, make_rpc_server
    ):
        server = make_rpc_server()
        async with self.engine(tmp_path, server.endpoint) as engine:
            await engine.settled()
            server.kill()
            events, result = await run(engine, replace(ASK, device="gpu:0"))
            assert result.placement.device == "cpu"
            assert [type(event) for event in events].count(SteppedDown) == 1
            assert "does not answer" in result.placement.step_downs[0]

    async def test_a_device_that_does_not_exist_is_refused(self, tmp_path: Path):
        async with self.engine(tmp_path) as engine:
            with pytest.raises(DeviceError, match="no device npu:7"):
                await run(engine, replace(ASK, device="npu:7"))
