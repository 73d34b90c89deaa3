"""ModelDoors: all that the model manager adds to the engine's door, and the desks behind it, made when first used."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from engine.background import JobKind
from engine.build import build_info
from engine.errors import HubError
from engine.tasks.foreground_door import ForegroundDoor
from engine.tasks.hub_door import HubDoor
from engine.tasks.job_door import JobDoor
from engine.tasks.library_door import LibraryDoor
from engine.tasks.quantize_door import QuantizeDoor
from engine.tasks.update_door import UpdateDoor
from resources import models_dir

if TYPE_CHECKING:
    from pathlib import Path

    from engine.backends.base import LoadProgress
    from engine.config import EngineConfig
    from engine.devices.overrides import Overrides
    from engine.gates import Gatekeeper
    from engine.hub.updates import ReleaseFeed
    from engine.jobs import JobBoard, Spec, Work
    from engine.models.library import ModelLibrary
    from engine.scheduling.fitting import FitCheck
    from engine.tasks.hub_desk import HubDesk
    from engine.tasks.library_desk import LibraryDesk
    from engine.tasks.quantize_desk import QuantizeDesk
    from engine.types import ModelInfo


class ModelDoors(LibraryDoor, ForegroundDoor, HubDoor, QuantizeDoor, JobDoor, UpdateDoor, ABC):
    """What the model manager adds to the door; `Engine` is one.

    Attributes:
        config: what the engine was made with.
    """

    config: "EngineConfig"
    _library: "ModelLibrary"
    _overrides: "Overrides"

    @abstractmethod
    def _fit_check(self) -> "FitCheck":
        """Says whether models fit, also while the engine is closed."""

    @abstractmethod
    def _ensure_offers(self) -> None:
        """Somebody has to say what models are good for."""

    @abstractmethod
    def _is_open(self) -> bool:
        """Whether models can be loaded."""

    @abstractmethod
    def _is_in_use(self, path: "Path") -> bool:
        """Whether a model is loaded, being loaded, or wanted by a request."""

    @cached_property
    def _gatekeeper(self) -> "Gatekeeper":
        from engine.devices.machine import available_memory_bytes
        from engine.gates import Gatekeeper

        own = (models_dir(), self.config.cache_dir / "bench")  # what benches load, they have written themselves
        return Gatekeeper(self.config.home / "gates.json", own, available_memory_bytes)

    def _gate(self, info: "ModelInfo", progress: "LoadProgress") -> None:
        """Raise if a model's file must not be loaded; a file that nobody knows is tried first."""
        if self.config.probe_files:
            self._gatekeeper.admit(info.path, lambda: progress(0.0))

    @cached_property
    def _desk_of_library(self) -> "LibraryDesk":
        from engine.tasks.library_desk import LibraryDesk

        return LibraryDesk(
            self.config, self._library, self._gatekeeper, self._is_in_use, self._add_job, self._overrides, self._is_open
        )

    @cached_property
    def _desk_of_hub(self) -> "HubDesk":
        from engine.tasks.hub_desk import HubDesk

        return HubDesk(self.config, self._fit_check, self._desk_of_library.arrived, self._add_job)

    @cached_property
    def _desk_of_quantizing(self) -> "QuantizeDesk":
        from engine.tasks.quantize_desk import QuantizeDesk

        return QuantizeDesk(self.config, self._desk_of_library, self._gatekeeper, self._fit_check, self._add_job)

    @cached_property
    def _board(self) -> "JobBoard":
        from engine.jobs import JobBoard

        works: Mapping[JobKind, Work] = {
            **self._desk_of_library.works(),
            **self._desk_of_hub.works(),
            **self._desk_of_quantizing.works(),
        }
        return JobBoard(self.config.home / "jobs.json", works)

    def _library_desk(self) -> "LibraryDesk":
        self._ensure_offers()
        return self._desk_of_library

    def _hub_desk(self) -> "HubDesk":
        return self._desk_of_hub

    def update_url(self) -> str:
        """See `UpdateDoor.update_url`."""
        return self.config.update_url or build_info().update_url

    def _release_feed(self) -> "ReleaseFeed":
        from engine.hub.updates import ReleaseFeed

        url = self.update_url()
        if not url:
            raise HubError("This Hearth does not know where new versions are told.", "Set update_url.")
        return ReleaseFeed(url, self.config.proxy, self._desk_of_hub.network)

    def _quantize_desk(self) -> "QuantizeDesk":
        return self._desk_of_quantizing

    def _job_board(self) -> "JobBoard":
        return self._board

    def _add_job(self, kind: JobKind, title: str, spec: "Spec") -> int:
        return self._board.add(kind, title, spec)

    def _close_models(self) -> None:
        """Let work in the background end, if there is any; it goes on at the next start."""
        for name in ("_board", "_desk_of_library"):
            if name in self.__dict__:
                self.__dict__[name].close()
