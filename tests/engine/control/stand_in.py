"""An engine that only says what a test wants to hear, with the real values; can run in a process of its own."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from engine.caching import CacheInfo, CacheTierInfo
from engine.control.server import ControlServer
from engine.errors import InvalidRequestError, ModelError, PluginError
from engine.hardware import HardwareSnapshot
from engine.queueing import (
    FACTORS,
    EndedRequest,
    FactorPart,
    LaneWork,
    Outcome,
    QueuedRequest,
    QueueSnapshot,
    RequestState,
)
from engine.requests import Urgency
from engine.types import Accepts, EngineSnapshot, LoadedModelInfo, ModelInfo, Sampling

PARTS = (
    *(FactorPart(key, 0.5, 0.1, "interactive" if key == "urgency" else "") for key in FACTORS[:-1]),
    FactorPart("wait", 12.5, 1 / 240, "12 s"),
)

RUNNING = QueuedRequest(
    id="r1", title="Explain lists", form="text", model="chat-8b", client="window", urgency=Urgency.INTERACTIVE, level=2,
    state=RequestState.RUNNING, lane="cpu", waited_s=3.0, score=0.9, parts=PARTS, ends_in_s=75.0, prompt_tokens=100,
    prompt_done=100, output_tokens=50, output_expected=150, started_s=5.0, prefilled_s=2.0,
)  # fmt: skip
WAITING = QueuedRequest(
    id="r2", title="Index notes [all]", form="texts", model="vectors", client="indexer", urgency=Urgency.BATCH, level=1,
    state=RequestState.WAITING, lane="cpu", position=1, waited_s=12.5, score=0.31, parts=PARTS,
    reason="Waits because vectors would have to evict chat-8b.", starts_in_s=8.0, ends_in_s=4000.0,
)  # fmt: skip
ENDED = EndedRequest(
    id="r0", title="Hello", form="text", model="chat-8b", client="window", urgency=Urgency.NORMAL,
    outcome=Outcome.FAILED, ended_at=1_700_000_000.0, error="No room.", total_s=4.0,
)  # fmt: skip
QUEUE = QueueSnapshot(
    requests=(RUNNING, WAITING), waiting_count=1, ended=(ENDED,), ended_today=7,
    lanes=(LaneWork(name="cpu", device="cpu", threads=2),),
    overtaken_at_most_s=240.0, loading=MappingProxyType({"code-7b": 0.5}),
)  # fmt: skip
MODEL = LoadedModelInfo(
    info=ModelInfo(
        id="chat-8b", path=Path("/models/chat-8b.gguf"), format="gguf", name="Chat", architecture="llama",
        size_bytes=10, accepts=frozenset({Accepts.MESSAGES, Accepts.PROMPT}), sampling=Sampling(logit_bias={7: -1.0}),
    ),
    device="gpu:0", memory_bytes=9_000, running=1, idle_s=0.0, device_bytes=2_000, device_s=61.0, waiting=2,
)  # fmt: skip


CACHE = CacheInfo(
    memory=CacheTierInfo(entries=1, size_bytes=2, limit_bytes=3, hits=4),
    disk=CacheTierInfo(entries=5, size_bytes=6, limit_bytes=7, hits=8),
    prefixes=CacheTierInfo(entries=0, size_bytes=0, limit_bytes=0, hits=0),
    lookups=9,
    hits=8,
    saved_s=1.5,
    trouble="The disk is full.",
)


class StandIn:
    """Answers from values, and remembers what it was told."""

    def __init__(self) -> None:
        self.state = QUEUE
        self.loaded = (MODEL,)
        self.told: list[tuple[object, ...]] = []
        self.goes_on = threading.Event()
        self.goes_on.set()

    def queue(self) -> QueueSnapshot:
        self.goes_on.wait(30)
        return self.state

    def cache(self) -> CacheInfo:
        return CACHE

    def cancel_request(self, request: str) -> bool:
        return self._tell("cancel", request)

    def move_up(self, request: str) -> bool:
        return self._tell("up", request)

    def set_urgency(self, request: str, urgency: Urgency, level: int | None = None) -> bool:
        if level is not None and level > 4:
            raise InvalidRequestError(f"Level {level} is none.", "Choose from 0 to 4.")
        return self._tell("urgency", request, urgency, level)

    def set_order(self, policy: str) -> None:
        if policy == "odd":
            raise RuntimeError("something odd")
        if policy == "plugin":
            raise PluginError("x", "A plugin failed.", "Reload it.", "details")
        self.state = replace(self.state, order=policy)

    def pause_queue(self, paused: bool) -> None:
        self.state = replace(self.state, is_paused=paused)

    def snapshot(self) -> EngineSnapshot:
        return EngineSnapshot(
            loaded=self.loaded, waiting=1, running=1, threads=2, threads_reason="", tokens_per_s=1.0, memory_bytes=1,
            memory_limit_bytes=2, cpu_ours=0.0, cpu_others=0.0,
        )  # fmt: skip

    def hardware(self) -> HardwareSnapshot:
        return HardwareSnapshot(
            devices=(), loads={}, latest=None, memory_bytes=20_000, memory_budget_bytes=16_000
        )  # fmt: skip

    def pin(self, model: str, pinned: bool) -> None:
        self.told.append(("pin", model, pinned, threading.current_thread().name))

    async def unload(self, model: str) -> bool:
        await asyncio.sleep(0)
        if model == "busy":
            raise ModelError("busy is answering.", "Wait until it has ended.")
        self.told.append(("unload", model, threading.current_thread().name))
        return any(loaded.info.id == model for loaded in self.loaded)

    def _tell(self, *what: object) -> bool:
        self.told.append(what)
        return what[1] in {request.id for request in self.state.requests}


@contextmanager
def serving(engine: StandIn, home: Path, title: str = "window", **options: float) -> Iterator[ControlServer]:
    """Serve an engine whose loop runs on a thread called `loop`."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="loop")
    thread.start()
    try:
        with ControlServer(engine, home, loop, title, **options) as server:
            assert server.wait_until_ready()
            yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


if __name__ == "__main__":
    with serving(StandIn(), Path(sys.argv[1]), sys.argv[2]):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()
