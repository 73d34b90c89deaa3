"""Replaying a trace for real: a fresh engine, its models of random weights, and requests that come when they come."""

import asyncio
import os
import random
import string
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.bench.at_once import picture, picture_model
from engine.bench.measure import GREEDY, BenchOptions
from engine.bench.random_model import cached_random_model
from engine.bench.replays import Replay, Served
from engine.bench.traces import Trace, TracedRequest
from engine.config import EngineConfig
from engine.engine import Engine
from engine.hardware import HardwareEventKind
from engine.queueing import EndedRequest, Outcome
from engine.types import GenerateRequest, RecognizeRequest

SEQUENCES: Final = 8
"""Requests of one model that run together: what the processors of most machines gain from."""
_ROOM_TOKENS: Final = 16
OWN_LANES: Final = "free_for_all"
ONE_EACH: Final = "free_single"
"""The same, each answering one request at a time, as servers do that do not batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where the models of a trace are.

    Attributes:
        paths: by name in the trace.
        sizes: bytes in memory, by name.
    """

    paths: Mapping[str, Path]
    sizes: Mapping[str, int]


def config_for(options: BenchOptions, trace: Trace, order: str) -> EngineConfig:
    """Settings of an engine that replays a trace.

    Separate programs know nothing of one another: where every model is on its own, memory knows no limit.
    """
    is_free = order in {OWN_LANES, ONE_EACH}
    return replace(
        options.config,
        order=OWN_LANES if is_free else order,
        memory_budget_bytes=None if is_free else trace.memory_budget_bytes,
        context_tokens=max(256, trace.context_tokens + _ROOM_TOKENS),
        max_sequences=1 if order == ONE_EACH else SEQUENCES,
    )


def paths_of(options: BenchOptions, trace: Trace) -> dict[str, Path]:
    """The models of a trace, written now if the cache has none.

    Raises:
        OutOfMemoryError: the disk has no room for them.
    """
    return {
        name: picture_model(options.folder)
        if model.takes_images
        else cached_random_model(options.folder, model.shape, model.type, model.seed)
        for name, model in trace.models.items()
    }


async def replay(options: BenchOptions, trace: Trace, files: Files, order: str, run: str) -> Replay:
    """Replay a trace once.

    Args:
        options: folders and settings.
        trace: what is asked.
        files: its models.
        order: how requests are ordered.
        run: prompts of different runs have nothing in common, so that none finds its KV kept from another.

    Raises:
        EngineError: a request failed.
        RuntimeError: the queue does not remember a request that has ended.
    """
    async with Engine(config_for(options, trace, order)) as engine:
        await engine.settled()
        calls = [_call(engine, files, request, number, run) for number, request in enumerate(trace.requests)]
        began_at = time.time()
        began_s = time.perf_counter()
        await asyncio.gather(
            *(_later(began_s + request.at_s, call) for request, call in zip(trace.requests, calls, strict=True))
        )
        ended = {one.title: one for one in engine.queue().ended if one.outcome is Outcome.DONE}
        loaded = [
            event.title.removesuffix(" loaded")
            for event in engine.telemetry.events()
            if event.kind is HardwareEventKind.LOADED
        ]
        names = {engine.model(str(path)).id: name for name, path in files.paths.items()}
    return Replay(
        order=order,
        served=_served(trace.requests, ended, began_at),
        loads=len(loaded),
        loaded_bytes=sum(files.sizes[names[model]] for model in loaded),
    )


_RUN: Final = f"{time.time_ns()} {os.getpid()}"


def text_of(tokens: int, salt: str) -> str:
    """A text of so many letters, each a token for a random model.

    It depends on the salt, and on this run of the program: KV of earlier ones may still be on disk.
    """
    return "".join(random.Random(f"{_RUN} {salt}").choices(string.ascii_letters, k=tokens))


async def _later(at_s: float, call: "_Call") -> None:
    await asyncio.sleep(max(0.0, at_s - time.perf_counter()))
    await call.make()


@dataclass(frozen=True, slots=True)
class _Call:
    """A request, ready to be made."""

    engine: Engine
    request: GenerateRequest | RecognizeRequest

    async def make(self) -> None:
        """Make it, and read all that comes."""
        if isinstance(self.request, RecognizeRequest):
            await self.engine.recognize(self.request)
            return
        async with aclosing(self.engine.generate(self.request)) as events:
            async for _event in events:
                pass


def _call(engine: Engine, files: Files, request: TracedRequest, number: int, run: str) -> _Call:
    model, title = str(files.paths[request.model]), str(number)
    if request.is_image:
        image = RecognizeRequest(
            model=model, image=picture(), client=request.client, urgency=request.urgency, title=title
        )
        return _Call(engine, image)
    shared = text_of(request.shared_prefix, f"{run} {request.model} {request.client}")
    own = text_of(request.prompt_tokens - request.shared_prefix, f"{run} {number}")
    text = GenerateRequest(
        model=model,
        prompt=shared + own,
        sampling=GREEDY,
        max_tokens=request.max_tokens,
        client=request.client,
        urgency=request.urgency,
        title=title,
    )
    return _Call(engine, text)


def _served(requests: Sequence[TracedRequest], ended: Mapping[str, EndedRequest], began_at: float) -> list[Served]:
    served: list[Served] = []
    for number, request in enumerate(requests):
        one = ended.get(str(number))
        if one is None:
            raise RuntimeError(f"the queue does not remember request {number}; a trace may have 500")
        arrived_s = one.ended_at - one.total_s - began_at
        first_s = one.first_token_s if one.first_token_s is not None else one.total_s
        served.append(
            Served(
                request=replace(request, max_tokens=max(1, one.output_tokens)),
                arrived_s=arrived_s,
                began_s=arrived_s + one.waited_s,
                first_s=arrived_s + first_s,
                ended_s=arrived_s + one.total_s,
                lane=one.lane,
            )
        )
    return served
