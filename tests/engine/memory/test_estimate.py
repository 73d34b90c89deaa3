"""What a load will take, told before, against what it took."""

from dataclasses import replace
from time import perf_counter

import pytest

from engine.backends.base import CPU_TARGET as CPU
from engine.backends.base import DeviceTarget, LoadOptions
from engine.backends.llama import LlamaBackend
from engine.bench.random_model import cached_random_model
from engine.memory.estimate import Estimates
from engine.models.gguf import read_header
from engine.models.gguf_info import describe
from engine.models.library import ModelLibrary
from engine.types import Accepts, ModelInfo
from resources import models_dir
from tests.engine.memory.machine import info

MB = 1_000_000
UNANNOUNCED = 16 * MB  # vocabulary, threads, working memory: no backend says them
OPTIONS = LoadOptions(context_tokens=1024, max_sequences=4)


@pytest.fixture(scope="module", params=["starter", "f16", "q8_0", "q4_0", "q4_k_m"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModelInfo:
    if request.param == "starter":
        return ModelLibrary((models_dir(),)).find("starter")
    path = cached_random_model(tmp_path_factory.mktemp("models"), "tiny", request.param)
    return describe(read_header(path), path.stem)


def took(model: ModelInfo, allowed_bytes: int) -> int:
    loaded = LlamaBackend(None, None).load(model, replace(OPTIONS, available_bytes=allowed_bytes), lambda _f: True)
    try:
        return loaded.memory_bytes + loaded.parking_bytes
    finally:
        loaded.close()


def test_a_load_never_takes_more_than_it_was_left(model: ModelInfo) -> None:
    estimates = Estimates(OPTIONS)
    least = estimates.of(model)
    for left in (least, 2 * least, 1000 * MB):
        assert took(model, estimates.allowance(model, CPU, left)) <= left


def test_an_estimate_is_right_after_the_first_load(model: ModelInfo) -> None:
    estimates = Estimates(OPTIONS)
    before = estimates.of(model)
    size = took(model, before)
    assert size <= before <= size + UNANNOUNCED + 8 * MB
    estimates.learn(model, CPU, before, size)
    after = estimates.of(model)
    assert after <= before
    assert 0.8 * after <= took(model, estimates.allowance(model, CPU, after)) + UNANNOUNCED <= after + UNANNOUNCED


def test_a_file_that_cannot_be_read_is_as_large_as_it_says() -> None:
    assert Estimates(OPTIONS).of(info("nowhere", 5 * MB)) == 5 * MB


def test_layers_on_a_device_take_nothing_here(model: ModelInfo) -> None:
    estimates = Estimates(replace(OPTIONS, context_tokens=16))
    here = estimates.of(model)
    half, none = (
        estimates.of(model, DeviceTarget(device="gpu:0", interface="Vulkan", targets=("Vulkan0",), layers=layers))
        for layers in (1, None)
    )
    assert none < half
    assert here > 0


def test_a_graph_takes_more_than_its_file() -> None:
    reader = ModelLibrary((models_dir(),)).find("reader")
    assert Accepts.IMAGE in reader.accepts
    assert Estimates(OPTIONS).of(reader) >= 2 * reader.size_bytes


def test_estimates_are_quick(model: ModelInfo) -> None:
    estimates = Estimates(OPTIONS)
    estimates.of(model)
    began_s = perf_counter()
    for _ in range(100):
        estimates.of(model)
    assert perf_counter() - began_s < 0.05
