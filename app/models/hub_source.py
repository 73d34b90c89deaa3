"""What Discover, the jobs tray and the dialogs need of an engine; errors are `EngineError`s with cause and remedy."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Protocol

from app.models.hub_settings import SettingsSource
from engine import (
    BackgroundJob,
    Event,
    FitVerdict,
    GenerateRequest,
    HubCard,
    HubModel,
    HubQuery,
    HubState,
    ModelCard,
    RecipeForecast,
)


class JobSource(SettingsSource, Protocol):
    """The jobs of an engine, and what holds for all downloads. Thread: any."""

    def resume_jobs(self) -> None:
        """Go on with what the last run left."""

    def jobs(self) -> tuple[BackgroundJob, ...]:
        """All jobs, in the order in which they were begun; microseconds."""

    def pause_job(self, job: int) -> None:
        """Stop a job until it is resumed."""

    def resume_job(self, job: int) -> None:
        """Go on with a paused job, or try a failed one again."""

    def cancel_job(self, job: int) -> None:
        """End a job; of one that has ended, forget it."""


class HubSource(SettingsSource, Protocol):
    """The hub and the library of an engine. Thread: any."""

    def catalogue(self) -> tuple[HubModel, ...]:
        """The models that Hearth recommends; needs no network."""

    async def search_models(self, query: HubQuery) -> tuple[HubModel, ...]:
        """Search the hub."""

    async def hub_card(self, repo: str) -> HubCard:
        """A model with its files, its card and its licence."""

    async def download_model(self, repo: str, file: str = "", revision: str = "") -> int:
        """Begin to fetch a model; returns the job."""

    def jobs(self) -> tuple[BackgroundJob, ...]:
        """All jobs; microseconds."""

    def cards(self) -> tuple[ModelCard, ...]:
        """All models that are here."""

    def library_version(self) -> int:
        """A number that goes up whenever `cards` would say something else; microseconds."""


class ImportSource(Protocol):
    """The library of an engine, for files from elsewhere. Thread: any."""

    def import_model(self, path: Path, *, move: bool = False) -> int:
        """Begin to take a file or a folder into Hearth's own folder; returns the job."""

    def hub_state(self) -> HubState:
        """For the free space on the disk."""


class QuantizeSource(Protocol):
    """What makes models smaller. Thread: any."""

    def hub_state(self) -> HubState:
        """For the free space on the disk."""

    async def recipes(self, model: str) -> tuple[RecipeForecast, ...]:
        """What can be made of a model, largest first."""

    async def quantize_model(self, model: str, recipe: str, calibration: Path | None = None) -> int:
        """Begin to make a smaller model; returns the job."""


class CompareSource(Protocol):
    """What two models are compared by."""

    async def fit(self, model: str, context_tokens: int | None = None) -> FitVerdict:
        """Whether a model fits this machine, line by line."""

    def generate(self, request: GenerateRequest) -> AsyncGenerator[Event]:
        """Answer a prompt."""
