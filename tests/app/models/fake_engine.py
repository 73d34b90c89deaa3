"""FakeEngine: models that are nothing but cards; what was asked of it is noted."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import (
    EngineConfig,
    EngineSnapshot,
    FitVerdict,
    GateReport,
    HubModel,
    HubState,
    LibraryFolder,
    LoadedModelInfo,
    ModelCard,
    ModelDefaults,
    QualityReport,
)
from engine.hardware import HardwareSnapshot
from engine.queueing import QueueSnapshot
from tests.app.models.staged import BIG, CPU, FOLDERS, GB, GPU, NPU, RECOMMENDED, REPORTS, verdict_for


class FakeEngine:
    """Models that are nothing but cards. `calls` is what was asked of it; `error` fails the next call."""

    def __init__(self, *cards: ModelCard, home: Path = Path("/nowhere")) -> None:
        self.config = EngineConfig(home=home)
        self.known = {found.info.id: found for found in cards}
        self.folders = FOLDERS
        self.found = {BIG.info.id: REPORTS}
        self.loaded: dict[str, LoadedModelInfo] = {}
        self.loading: dict[str, float] = {}
        self.pinned: set[str] = set()
        self.version = 1
        self.budget = 10 * GB
        self.calls: list[tuple[Any, ...]] = []
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.fits = 0

    def change(self, model: str, **changes: Any) -> None:
        self.known[model] = replace(self.known[model], **changes)
        self.version += 1

    def put(self, model: str, device: str = "cpu") -> None:
        info = self.known[model].info
        self.loaded[model] = LoadedModelInfo(
            info=info,
            device=device,
            memory_bytes=info.size_bytes,
            running=0,
            idle_s=0.0,
            is_pinned=model in self.pinned,
        )

    def cards(self) -> tuple[ModelCard, ...]:
        return tuple(self.known.values())

    def library_version(self) -> int:
        return self.version

    def library_folders(self) -> tuple[LibraryFolder, ...]:
        return self.folders

    def catalogue(self) -> tuple[HubModel, ...]:
        return (RECOMMENDED,)

    def reports(self, model: str) -> tuple[QualityReport, ...]:
        return self.found.get(model, ())

    def snapshot(self) -> EngineSnapshot:
        return EngineSnapshot(
            loaded=tuple(self.loaded.values()),
            waiting=0,
            running=0,
            threads=2,
            threads_reason="",
            tokens_per_s=0.0,
            memory_bytes=GB,
            memory_limit_bytes=16 * GB,
            cpu_ours=0.0,
            cpu_others=0.0,
        )

    def hardware(self) -> HardwareSnapshot:
        return HardwareSnapshot(
            devices=(CPU, GPU, NPU), loads={}, latest=None, memory_bytes=16 * GB, memory_budget_bytes=self.budget
        )

    def queue(self) -> QueueSnapshot:
        return QueueSnapshot(loading=self.loading)

    def hub_state(self) -> HubState:
        return HubState(is_offline=False, url="https://hub.example", free_bytes=212 * GB)

    def jobs(self) -> tuple[()]:
        return ()

    def resume_jobs(self) -> None:
        self.calls.append(("resume_jobs",))

    def pin(self, model: str, pinned: bool = True) -> None:
        self.calls.append(("pin", model, pinned))
        (self.pinned.add if pinned else self.pinned.discard)(model)

    async def fit(
        self, model: str, context_tokens: int | None = None, memory_budget_bytes: int | None = None
    ) -> FitVerdict:
        self.fits += 1
        await asyncio.sleep(0)
        return verdict_for(self.known[model], context_tokens or 8192, memory_budget_bytes or self.budget)

    async def load(self, model: str, device: str = "") -> LoadedModelInfo:
        await self._note("load", model, device)
        self.put(model, device or "cpu")
        return self.loaded[model]

    async def unload(self, model: str) -> bool:
        await self._note("unload", model)
        return self.loaded.pop(model, None) is not None

    def verify_model(self, model: str) -> int:
        self.calls.append(("verify", model))
        return 1

    async def probe_model(self, model: str) -> GateReport:
        await self._note("probe", model)
        return self.known[model].gate

    async def remove_model(self, model: str, *, permanently: bool = False) -> tuple[Path, ...]:
        await self._note("remove", model, permanently)
        found = self.known.pop(model)
        self.version += 1
        return found.files

    def rename_model(self, model: str, title: str) -> None:
        self.calls.append(("rename", model, title))
        self.change(model, title=title or self.known[model].info.name)

    def tag_model(self, model: str, tags: tuple[str, ...]) -> None:
        self.calls.append(("tag", model, tuple(tags)))
        self.change(model, tags=tuple(tags))

    def favour_model(self, model: str, is_favourite: bool) -> None:
        self.calls.append(("favour", model, is_favourite))
        self.change(model, is_favourite=is_favourite)

    def set_model_defaults(self, model: str, defaults: ModelDefaults) -> None:
        self.calls.append(("defaults", model, defaults))
        self.change(model, defaults=defaults)

    async def _note(self, *call: Any) -> None:
        self.calls.append(call)
        await self.gate.wait()
        error, self.error = self.error, None
        if error is not None:
            raise error
