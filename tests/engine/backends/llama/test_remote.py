"""Models whose weights are on another device: llama.cpp's RPC device, which is a GPU to it, on every machine."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from engine.backends.base import DeviceTarget, LoadOptions, SequenceStep
from engine.backends.llama import LlamaBackend
from engine.backends.llama import devices as ggml
from engine.backends.llama.text_model import LlamaTextModel
from engine.errors import DeviceLostError, EngineError
from engine.models.library import ModelLibrary
from engine.types import FinishReason, GenerateRequest, Message, ModelInfo, Sampling, user
from resources import models_dir
from tests.engine.backends.llama.kept import Kept
from tests.engine.rpc_server import RpcServer, modules

GREEDY = Sampling(temperature=0)
QUESTION = (user("What is Hearth?"),)
TOKENS = 24

Load = Callable[..., LlamaTextModel]


@pytest.fixture(scope="module")
def starter() -> ModelInfo:
    return ModelLibrary((models_dir(),)).find("starter")


@pytest.fixture
def load(starter: ModelInfo) -> Iterator[Load]:
    models: list[LlamaTextModel] = []

    def load_model(target: DeviceTarget, progress=lambda _fraction: True, **options: object) -> LlamaTextModel:
        settings = {"max_sequences": 4, "threads": 1, "target": target, **options}
        models.append(LlamaBackend(None, modules()).load(starter, LoadOptions(**settings), progress))
        return models[-1]

    yield load_model
    for model in models:
        model.close()


def gpu(*targets: str, layers: int | None = None, split: tuple[float, ...] = ()) -> DeviceTarget:
    return DeviceTarget(device="gpu:0", interface="RPC", targets=targets, layers=layers, split=split)


def answer(
    model: LlamaTextModel, sampling: Sampling = GREEDY, tokens: int = TOKENS, messages: tuple[Message, ...] = QUESTION
) -> str:
    request = GenerateRequest(model="starter", messages=messages, sampling=sampling, max_tokens=tokens)
    sequence = model.admit(model.prepare(request))
    assert sequence is not None
    text, finish = "", None
    while finish is None:
        for step in model.step([sequence], 512):
            text, finish = text + step.text, step.finish
    model.release(sequence)
    return text


def test_all_layers_on_the_device_answer_as_on_the_processor(load: Load, make_rpc_server):
    server = make_rpc_server()
    here, there = load(DeviceTarget()), load(gpu(*server.targets))
    assert answer(there) == answer(here)
    where = there.whereabouts
    assert (where.device, where.interface, where.layers, where.total_layers) == ("gpu:0", "RPC", 4, 4)
    assert where.device_bytes > 0.7 * there.info.size_bytes
    assert here.whereabouts.device_bytes == 0
    assert [psutil.Process(pid).ppid() for pid in where.process_ids] == [psutil.Process().pid]


@pytest.mark.parametrize("layers", [1, 3])
def test_some_layers_stay_with_the_processor(load: Load, make_rpc_server, layers: int):
    server = make_rpc_server()
    whole = load(gpu(*server.targets))
    text = answer(whole)
    whole.close()  # a server serves one client at a time
    part = load(gpu(*server.targets, layers=layers))
    assert (part.whereabouts.layers, part.whereabouts.total_layers) == (layers, 4)
    assert 0 < part.whereabouts.device_bytes < whole.whereabouts.device_bytes
    assert answer(part) == text


def test_several_devices_share_a_model(load: Load, make_rpc_server):
    server = make_rpc_server(devices=2)
    targets = (f"{server.endpoint}#0", f"{server.endpoint}#1")
    assert answer(load(gpu(*targets, split=(1, 1)))) == answer(load(DeviceTarget()))


def test_two_servers_are_two_devices(load: Load, make_rpc_server):
    one, other = make_rpc_server(), make_rpc_server()
    assert answer(load(gpu(*one.targets, *other.targets))) == answer(load(DeviceTarget()))


def test_a_conversation_goes_on_where_its_kv_is_and_can_be_parked(load: Load, make_rpc_server):
    model = load(gpu(*make_rpc_server().targets), max_sequences=1)
    first = answer(model)
    prompt = model.prepare(GenerateRequest(model="starter", messages=QUESTION, sampling=GREEDY, max_tokens=TOKENS))
    again = model.admit(prompt)
    assert again is not None
    assert again.cached_tokens == len(prompt.tokens) - 1
    model.release(again)
    other = GenerateRequest(model="starter", prompt="Quite another text", sampling=GREEDY, max_tokens=2)
    between = model.admit(model.prepare(other))
    assert between is not None
    while not any(step.finish for step in model.step([between], 512)):
        pass
    model.release(between)
    assert answer(model) == first


def test_an_interrupted_answer_goes_on_after_its_model_has_left_and_returned(load: Load, make_rpc_server):
    server = make_rpc_server()
    model = load(gpu(*server.targets))
    question = (user("What is Hearth, and what are rivers and lakes? " * 4),)  # less is not asked of the disk
    expected = answer(model, messages=question)
    model.close()  # a server serves one client at a time
    model = load(gpu(*server.targets))
    prompt = model.prepare(GenerateRequest(model="starter", messages=question, sampling=GREEDY, max_tokens=TOKENS))
    sequence = model.admit(prompt)
    assert sequence is not None
    text = "".join(step.text for _ in range(7) for step in model.step([sequence], 512))
    model.suspend(sequence)
    assert model.resume(sequence)
    text += "".join(step.text for _ in range(4) for step in model.step([sequence], 512))
    written = sequence.written_tokens
    model.suspend(sequence)
    conversations = model.conversations()
    model.close()
    back = load(gpu(*server.targets))
    back.tier = Kept(conversations)
    again = back.admit(back.look_up(prompt, written), written)
    assert again is not None
    assert again.prompt_tokens - again.prefilled_tokens == 1
    finish = None
    while finish is None:
        (step,) = back.step([again], 512)
        text, finish = text + step.text, step.finish
    assert text == expected


def test_progress_is_told_and_cancels(load: Load, make_rpc_server):
    server = make_rpc_server()
    told: list[float] = []
    load(gpu(*server.targets), lambda fraction: told.append(fraction) is None).close()
    assert told == sorted(told)
    assert told[-1] == 1
    with pytest.raises(EngineError, match="was cancelled"):
        load(gpu(*server.targets), lambda fraction: fraction < 0.3)


def test_an_answer_goes_on_elsewhere_as_if_nothing_had_happened(load: Load, make_rpc_server):
    server = make_rpc_server()
    there, here = load(gpu(*server.targets)), load(DeviceTarget())
    request = GenerateRequest(model="starter", messages=QUESTION, sampling=GREEDY, max_tokens=TOKENS)
    prompt = there.prepare(request)
    sequence = there.admit(prompt)
    assert sequence is not None
    text = ""
    while len(sequence.written_tokens) < 9:
        text += "".join(step.text for step in there.step([sequence], 512))
    server.kill()
    with pytest.raises(DeviceLostError):
        there.step([sequence], 512)
    written = sequence.written_tokens
    there.close()
    resumed = here.admit(prompt, written)
    assert resumed is not None
    assert resumed.written_tokens == written
    steps: list[SequenceStep] = []
    while not steps or steps[-1].finish is None:
        steps += here.step([resumed], 512)
    assert resumed.written_tokens[: len(written)] == written
    assert steps[-1].finish is FinishReason.LENGTH
    assert sum(step.token_count for step in steps) == TOKENS - len(written)
    assert text + "".join(step.text for step in steps) == answer(here)


def test_a_device_that_hangs_is_given_up_within_ten_seconds(load: Load, make_rpc_server):
    server = make_rpc_server()
    model = load(gpu(*server.targets))
    sequence = model.admit(model.prepare(GenerateRequest(model="starter", messages=QUESTION, max_tokens=None)))
    assert sequence is not None
    for _ in range(3):
        model.step([sequence], 512)
    server.freeze()
    began = time.monotonic()
    with pytest.raises(DeviceLostError, match="no sign of life"):
        model.step([sequence], 512)
    assert time.monotonic() - began < 10
    model.release(sequence)  # a lane does so with whatever is left, and must not stumble
    model.close()


def test_a_server_that_is_gone_is_refused_in_one_sentence(load: Load, make_rpc_server):
    server = make_rpc_server()
    server.kill()
    with pytest.raises(DeviceLostError, match="does not answer"):
        load(gpu(*server.targets))


def test_a_file_that_is_gone_is_no_fault_of_the_device(starter: ModelInfo, make_rpc_server, tmp_path: Path):
    from dataclasses import replace

    missing = replace(starter, path=tmp_path / "gone.gguf")
    with pytest.raises(EngineError, match=r"gone\.gguf"):
        LlamaBackend(None, modules()).load(
            missing, LoadOptions(target=gpu(*make_rpc_server().targets)), lambda _fraction: True
        )


def test_no_process_is_left(load: Load, make_rpc_server):
    model = load(gpu(*make_rpc_server().targets))
    (pid,) = model.whereabouts.process_ids
    model.close()
    model.close()
    assert not psutil.pid_exists(pid)


def test_devices_are_listed_with_what_does_not_answer(make_rpc_server):
    """In a process of its own, because what is loaded here stays."""
    import subprocess
    import sys

    server: RpcServer = make_rpc_server(devices=2)
    code = (
        "from pathlib import Path; from engine.backends.llama.devices import reached\n"
        f"for d in reached(Path({str(modules())!r}), ({server.endpoint!r}, '127.0.0.1:1', 'nonsense'), 'rpc'):\n"
        "    print(d.interface, d.target, d.kind, bool(d.total_bytes), d.fault)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = [line for line in ended.stdout.splitlines() if line.startswith("RPC")]
    assert lines[:2] == [f"RPC {server.endpoint}#0 gpu True ", f"RPC {server.endpoint}#1 gpu True "]
    assert "does not answer" in lines[2]
    assert "is no address" in lines[3]


def test_modules_are_known_by_their_file_names(tmp_path: Path):
    for name in ("libggml-vulkan.so", "ggml-cuda.dll", "libggml-rpc.dylib", "made-for.json", "libother.so"):
        (tmp_path / name).touch()
    assert set(ggml.module_files(tmp_path)) == {"vulkan", "cuda", "rpc"}
    assert ggml.module_files(tmp_path / "nowhere") == {}
    assert ggml.module_files(None) == {}
