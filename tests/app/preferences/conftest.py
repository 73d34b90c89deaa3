"""The page Settings over an engine whose numbers can be any."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QWidget

from app.preferences import PreferencesController, PreferencesPage
from app.tasks import Tasks
from app.theme import Appearance
from engine import (
    CacheInfo,
    CacheTierInfo,
    EngineClosedError,
    EngineConfig,
    EngineError,
    EngineSnapshot,
    HubState,
    Limits,
    LoadedModelInfo,
    ModelInfo,
)
from engine.hardware import HardwareSnapshot, TelemetrySample
from tests.app.page_bench import PageBench

GIB = 1 << 30
MIB = 1 << 20
LIMITS = Limits(
    memory_budget_bytes=None,
    cache_memory_bytes=64 * MIB,
    cache_disk_bytes=1_000_000_000,
    prefix_disk_bytes=2_000_000_000,
)
CACHE = CacheInfo(
    memory=CacheTierInfo(entries=212, size_bytes=12 * MIB, limit_bytes=64 * MIB, hits=60),
    disk=CacheTierInfo(entries=1834, size_bytes=312_000_000, limit_bytes=1_000_000_000, hits=21),
    prefixes=CacheTierInfo(entries=12, size_bytes=840_000_000, limit_bytes=2_000_000_000, hits=5),
    lookups=214,
    hits=81,
    saved_s=252.4,
    prefix_tokens=18_400,
)


def loaded(name: str, gib: float, device_gib: float = 0.0) -> LoadedModelInfo:
    info = ModelInfo(
        id=name, path=Path(f"{name}.gguf"), format="gguf", name=name, architecture="qwen2", size_bytes=round(gib * GIB)
    )
    return LoadedModelInfo(
        info=info,
        device="cpu",
        memory_bytes=round(gib * GIB),
        running=0,
        idle_s=0.0,
        device_bytes=round(device_gib * GIB),
    )


class FakeSource:
    """An engine that does as it is told. `calls` is what was asked of it; `error` fails the next change."""

    def __init__(self) -> None:
        self.now = LIMITS
        self.kept = CACHE
        self.models: tuple[LoadedModelInfo, ...] = (loaded("qwen2.5-7b", 4.4), loaded("starter", 0.1))
        self.memory_bytes = 16 * GIB
        self.latest: TelemetrySample | None = TelemetrySample(
            at_s=1.0, devices={}, memory_used_bytes=round(7.6 * GIB), memory_ours_bytes=round(4.9 * GIB)
        )
        self.free_bytes = 10 * GIB
        self.calls: list[Any] = []
        self.threads: list[str] = []
        self.looks = 0
        self.is_closed = False
        self.error: EngineError | None = None
        self.config = EngineConfig(hub_url="https://hub.example")
        self.hub = HubState(is_offline=False, url=self.config.hub_url)
        self.gate = asyncio.Event()
        self.gate.set()

    def limits(self) -> Limits:
        if self.is_closed:
            raise EngineClosedError("The engine is not open.")
        return self.now

    def set_limits(self, limits: Limits) -> None:
        self.calls.append(limits)
        self.threads.append(threading.current_thread().name)
        error, self.error = self.error, None
        if error is not None:
            raise error
        self.now = limits

    def cache(self) -> CacheInfo:
        self.looks += 1
        return self.kept

    async def clear_cache(self, *, answers: bool = True, prefixes: bool = True) -> None:
        self.calls.append(("clear", answers, prefixes))
        await self.gate.wait()
        error, self.error = self.error, None
        if error is not None:
            raise error
        nothing = CacheTierInfo(entries=0, size_bytes=0, limit_bytes=0, hits=0)
        if answers:
            self.kept = replace(self.kept, memory=nothing, disk=nothing)
        if prefixes:
            self.kept = replace(self.kept, prefixes=nothing)

    def hub_state(self) -> HubState:
        return self.hub

    def set_offline(self, is_offline: bool) -> None:
        self.hub = replace(self.hub, is_offline=is_offline)

    def set_download_limit(self, bytes_per_s: int) -> None:
        self.hub = replace(self.hub, bytes_per_s=bytes_per_s)

    def snapshot(self) -> EngineSnapshot:
        return EngineSnapshot(
            loaded=self.models,
            waiting=0,
            running=0,
            threads=4,
            threads_reason="",
            tokens_per_s=0.0,
            memory_bytes=0,
            memory_limit_bytes=self.memory_bytes,
            cpu_ours=0.0,
            cpu_others=0.0,
        )

    def hardware(self) -> HardwareSnapshot:
        budget = self.now.memory_budget_bytes
        return HardwareSnapshot(
            devices=(),
            loads={},
            latest=self.latest,
            memory_bytes=self.memory_bytes,
            memory_budget_bytes=self.free_bytes if budget is None else budget,
            rates=(),
            is_probed=True,
        )


class Bench(PageBench):
    """A page with everything behind it, in a window; enter it on Qt's loop."""

    def __init__(self, source: FakeSource, settings_file: Path) -> None:
        self.source = source
        self.settings_file = settings_file
        self.errors: list[Exception] = []
        self.failures: list[tuple[str, str, str]] = []
        self.tasks = Tasks(self.errors.append)
        self.controller = PreferencesController(source, self.tasks, settings_file)
        self.controller.failed.connect(lambda *words: self.failures.append(words))
        self.appearance = Appearance("light")
        self.page = PreferencesPage(self.appearance, self.controller)
        self.window = QMainWindow()
        self.window.setCentralWidget(self.page)
        self.window.resize(1208, 712)

    @property
    def board(self) -> Any:
        assert self.page.board is not None
        return self.page.board

    @staticmethod
    def said(widget: QWidget) -> str:
        """All words of labels that can be seen in a widget."""
        labels = [label for label in widget.findChildren(QLabel) if label.isVisibleTo(widget)]
        return "\n".join(label.text() for label in labels).replace("\u00a0", " ").replace("\u200b", "")

    async def applied(self) -> None:
        """Apply what is wanted, and wait until that is done."""
        self.controller.apply()
        await self.until(lambda: self.tasks.count == 0)

    async def __aenter__(self) -> "Bench":
        self.controller.open()
        self.window.show()
        self.window.activateWindow()
        await self.until(self.window.isActiveWindow)
        await self.until(lambda: self.page.board is not None and self.controller.look is not None)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.controller.close()
        await self.tasks.close()
        self.window.hide()
        self.window.deleteLater()
        self.controller.deleteLater()
        assert self.errors == []


@pytest.fixture
def make_bench(qapp: QApplication, tmp_path: Path) -> Callable[..., Bench]:
    def make(**source: Any) -> Bench:
        fake = FakeSource()
        for name, value in source.items():
            setattr(fake, name, value)
        return Bench(fake, tmp_path / "engine.toml")

    return make


@pytest.fixture
def shown(run: Callable[..., None], make_bench: Callable[..., Bench]) -> Callable[..., None]:
    """Run a check on a page that is built and shown."""

    def show(check: Callable[[Bench], Any], **source: Any) -> None:
        async def body() -> None:
            async with make_bench(**source) as bench:
                result = check(bench)
                if result is not None:
                    await result

        run(body())

    return show


@pytest.fixture
def model() -> Callable[..., LoadedModelInfo]:
    return loaded


@pytest.fixture
def full_cache() -> CacheInfo:
    return CACHE
