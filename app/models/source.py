"""ModelsSource: what the Models page needs of an engine."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from engine import (
    EngineSnapshot,
    FitVerdict,
    GateReport,
    HubModel,
    LibraryFolder,
    LoadedModelInfo,
    ModelCard,
    ModelDefaults,
    QualityReport,
)
from engine.hardware import HardwareSnapshot
from engine.queueing import QueueSnapshot


class LibrarySource(Protocol):
    """The models that are here. Errors are `EngineError`s with cause and remedy. Thread: any."""

    def cards(self) -> tuple[ModelCard, ...]:
        """All models; may look at many files. Thread: any."""

    def library_version(self) -> int:
        """Goes up whenever `cards` would say something else; cheap."""

    def library_folders(self) -> tuple[LibraryFolder, ...]:
        """All folders that are searched or could be. Thread: any."""

    def catalogue(self) -> tuple[HubModel, ...]:
        """What Hearth recommends to fetch. Thread: any."""

    def reports(self, model: str) -> tuple[QualityReport, ...]:
        """Of all that came of the same source. Thread: any."""


class MemorySource(Protocol):
    """The memory that models take, and what is in it."""

    def snapshot(self) -> EngineSnapshot:
        """The models in memory, among others; cheap, while the engine is open."""

    def hardware(self) -> HardwareSnapshot:
        """The devices and the budget; cheap, while the engine is open."""

    def queue(self) -> QueueSnapshot:
        """How far loads are, among others; cheap, while the engine is open."""

    def pin(self, model: str, pinned: bool = True) -> None:
        """Keep a model in memory, or no longer."""

    async def fit(
        self, model: str, context_tokens: int | None = None, memory_budget_bytes: int | None = None
    ) -> FitVerdict:
        """Say whether a model fits."""

    async def load(self, model: str, device: str = "") -> LoadedModelInfo:
        """Load a model; cancelling stops that."""

    async def unload(self, model: str) -> bool:
        """Let a model go."""


class ChangeSource(Protocol):
    """What can be changed of a model."""

    def verify_model(self, model: str) -> int:
        """Begin to read a model's whole file; returns the job."""

    async def probe_model(self, model: str) -> GateReport:
        """Try a model in a process of its own."""

    async def remove_model(self, model: str, *, permanently: bool = False) -> tuple[Path, ...]:
        """Put a model's files into the trash, or delete them."""

    def rename_model(self, model: str, title: str) -> None:
        """Call it something else. Thread: any."""

    def tag_model(self, model: str, tags: Sequence[str]) -> None:
        """Replace its tags. Thread: any."""

    def favour_model(self, model: str, is_favourite: bool) -> None:
        """Mark it, or no longer. Thread: any."""

    def set_model_defaults(self, model: str, defaults: ModelDefaults) -> None:
        """Set what holds for it. Thread: any."""


class ModelsSource(LibrarySource, MemorySource, ChangeSource, Protocol):
    """All of it; `Engine` is one."""
