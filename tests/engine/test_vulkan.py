"""llama.cpp's Vulkan backend, run for real on Mesa's software driver where that is installed."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from engine.devices.seen.libraries import loadable_modules, modules_folder
from engine.engine import Engine
from engine.types import Finished, GenerateRequest, GenerateResult, Sampling, SteppedDown, user
from tests.computing import computing

ICD = Path("/usr/share/vulkan/icd.d/lvp_icd.x86_64.json")
HAS_MODULE = any(module.name == "vulkan" for module in loadable_modules(modules_folder()))
pytestmark = [
    pytest.mark.skipif(not HAS_MODULE, reason="the Vulkan module is not built (make backends)"),
    pytest.mark.skipif(not ICD.exists(), reason="Mesa's software driver is not installed"),
    pytest.mark.timeout(300),  # the driver compiles its programs, once per machine
]
QUESTION = (user("What is Hearth?"),)


@pytest.fixture
def lavapipe(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let Vulkan use the software driver, which it leaves out by itself."""
    monkeypatch.delenv("HEARTH_DEVICES")
    monkeypatch.setenv("GGML_VK_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("VK_DRIVER_FILES", str(ICD))
    return monkeypatch


@pytest.fixture
async def engine(tmp_path: Path, lavapipe: pytest.MonkeyPatch) -> AsyncIterator[Engine]:
    async with Engine(computing(home=tmp_path, max_sequences=2, context_tokens=512)) as engine:
        await engine.settled()
        yield engine


async def run(engine: Engine, device: str, tokens: int = 8) -> tuple[GenerateResult, list[SteppedDown]]:
    request = GenerateRequest(
        model="starter", messages=QUESTION, sampling=Sampling(temperature=0), max_tokens=tokens, device=device
    )
    notices: list[SteppedDown] = []
    async with aclosing(engine.generate(request)) as events:
        async for event in events:
            if isinstance(event, SteppedDown):
                notices.append(event)
            elif isinstance(event, Finished):
                return event.result, notices
    raise AssertionError("no result")


async def test_the_device_is_found_and_called_what_it_is(engine: Engine):
    device = next(device for device in engine.hardware().devices if device.id == "gpu:0")
    assert "llvmpipe" in device.name
    assert (device.is_usable, device.routes[0].interface) == (True, "Vulkan")


async def test_all_layers_give_the_same_words_as_the_processor(engine: Engine):
    there, _ = await run(engine, "gpu:0")
    here, _ = await run(engine, "cpu")
    assert there.text == here.text
    assert (there.placement.device, there.placement.interface, there.placement.layers) == ("gpu:0", "Vulkan", 4)


async def test_a_device_without_room_is_stepped_over(engine: Engine, lavapipe: pytest.MonkeyPatch):
    lavapipe.setenv("GGML_VK_FORCE_MAX_BUFFER_SIZE", "2000000")
    result, notices = await run(engine, "gpu:0")
    assert result.placement.device == "cpu"
    assert len(notices) == 1
    assert "does not fit" in notices[0].sentence


async def test_without_a_driver_there_is_no_device_and_no_error(tmp_path: Path, lavapipe: pytest.MonkeyPatch):
    lavapipe.setenv("VK_DRIVER_FILES", "/nonexistent.json")
    async with Engine(computing(home=tmp_path)) as engine:
        await engine.settled()
        assert [device.id for device in engine.hardware().devices if device.is_usable] == ["cpu"]
        result, notices = await run(engine, "")
        assert (result.placement.device, notices) == ("cpu", [])
