"""What `hearth bench fit` runs for every model: a load and its use, measured, as a line of JSON on standard output."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from engine.bench.at_once import picture
from engine.bench.measure import GREEDY, letters, watch
from engine.bench.random_model import write_random_gguf
from engine.config import EngineConfig
from engine.devices.machine import physical_cores
from engine.engine import Engine
from engine.types import GenerateRequest, RecognizeRequest
from resources import models_dir

_ANSWER_TOKENS: Final = 8
_MOST_ROUNDS: Final = 5
_SAME: Final = 0.002
_CELLS: Final = 640  # of the KV cache, for each sequence, if there is enough memory
_PICTURES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to measure.

    Attributes:
        model: file.
        home: empty folder for the engine.
        context: in tokens.
        sequences: answered together.
        is_graph: whether it is asked about pictures.
    """

    model: str
    home: str
    context: int
    sequences: int
    is_graph: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found.

    Attributes:
        needed_bytes: by the verdict.
        peak_bytes: that it took at most.
        lines: of the verdict, by name.
    """

    needed_bytes: int
    peak_bytes: int
    lines: Mapping[str, int]


async def measure(order: Order) -> Found:
    """Ask for the verdict, load the model, fill its context."""
    config = EngineConfig(
        home=Path(order.home), context_tokens=order.context or 512, max_sequences=order.sequences, devices=("cpu",),
        threads=physical_cores(),  # a small graph is opened again to change them, which takes it twice for a moment
        cache_memory_bytes=0, cache_disk_bytes=0, prefix_disk_bytes=0,
    )  # fmt: skip
    async with Engine(config) as engine:
        await engine.settled()
        verdict = await engine.fit(order.model)  # before anything is loaded that could correct it
        await _load_library(engine, order)
        before = _memory("VmRSS")
        _reset_peak()
        await engine.load(order.model)
        await (_see(engine, order) if order.is_graph else _fill(engine, order))
        peak = _memory("VmHWM") - before
    lines = {line.name: line.size_bytes for line in verdict.lines}
    return Found(needed_bytes=verdict.needed_bytes, peak_bytes=peak, lines=lines)


async def _load_library(engine: Engine, order: Order) -> None:
    """Load and use something small, so that Python's modules and the inference library are not counted."""
    if order.is_graph:
        reader = str(models_dir() / "reader.onnx")
        await engine.recognize(RecognizeRequest(model=reader, image=picture()))
        await engine.unload(reader)
        return
    small = Path(order.home, "small.gguf")
    write_random_gguf(small, "tiny", "q8_0")
    await watch(engine, GenerateRequest(model=str(small), prompt="warm", sampling=GREEDY, max_tokens=2))
    await engine.unload(str(small))


async def _see(engine: Engine, order: Order) -> None:
    for _ in range(2):
        requests = [RecognizeRequest(model=order.model, image=picture()) for _ in range(_PICTURES)]
        await asyncio.gather(*(engine.recognize(request) for request in requests))


async def _fill(engine: Engine, order: Order) -> None:
    """Fill the KV cache with one long prompt, then with several, until no more conversations are kept."""
    reserved = _ANSWER_TOKENS + 8
    await _answer(engine, order, order.context - reserved, 0)
    cells = max(order.context, _CELLS * order.sequences)
    tokens = min(order.context, cells // order.sequences) - reserved
    kept = 0
    for number in range(_MOST_ROUNDS):
        salts = range(1 + order.sequences * number, 1 + order.sequences * (number + 1))
        await asyncio.gather(*(_answer(engine, order, tokens, salt) for salt in salts))
        before, kept = kept, sum(model.memory_bytes for model in engine.snapshot().loaded)
        if kept <= before * (1 + _SAME):
            break


async def _answer(engine: Engine, order: Order, tokens: int, salt: int) -> None:
    prompt = letters(max(8, tokens), salt)
    await watch(engine, GenerateRequest(model=order.model, prompt=prompt, sampling=GREEDY, max_tokens=_ANSWER_TOKENS))


def _memory(key: str) -> int:
    """A size of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024
    raise OSError(f"the system does not say {key}")


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(measure(Order(**json.loads(sys.argv[1])))))))  # noqa: T201
