"""LoadStates: which models are in memory, which are on their way there, and which stay."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.models.source import ModelsSource
from app.usage import device_titles, percent
from engine import EngineClosedError


@dataclass(frozen=True, slots=True)
class LoadState:
    """How a model is now.

    Attributes:
        words: `Loaded`, `On disk`, `Loading 62 %`, `Refused`, or what is under way.
        role: colour of its mark.
        is_loaded: whether it is in memory.
        is_loading: whether it is on its way there.
        is_pinned: whether it stays there.
        is_paged: whether it is larger than its memory.
        device: where it is; empty if it is nowhere.
        running: requests that it answers now, or that wait for it.
    """

    words: str
    role: str = "text-muted"
    is_loaded: bool = False
    is_loading: bool = False
    is_pinned: bool = False
    is_paged: bool = False
    device: str = ""
    running: int = 0


ON_DISK: Final = LoadState("On disk")
REFUSED: Final = LoadState("Refused", "danger")


class LoadStates:
    """Takes a look at the engine; cheap enough for twice a second.

    Attributes:
        devices: their titles, by id.
        budget_bytes: what all models together may take now; 0 while that is unknown.

    Thread: UI only.
    """

    def __init__(self, source: ModelsSource) -> None:
        self._source = source
        self._states: Mapping[str, LoadState] = {}
        self.devices: Mapping[str, str] = {}
        self.budget_bytes = 0

    def of(self, model: str) -> LoadState:
        """How a model was at the last look."""
        return self._states.get(model, ON_DISK)

    @property
    def loaded(self) -> frozenset[str]:
        """Ids of the models in memory."""
        return frozenset(model for model, state in self._states.items() if state.is_loaded)

    @property
    def are_loading(self) -> bool:
        """Whether a model is on its way into memory."""
        return any(state.is_loading for state in self._states.values())

    def look(self) -> bool:
        """Look again; return whether something is another."""
        try:
            hardware, snapshot, queue = self._source.hardware(), self._source.snapshot(), self._source.queue()
        except EngineClosedError:
            return False
        found = {
            entry.info.id: LoadState(
                "Loaded",
                "success",
                is_loaded=True,
                is_pinned=entry.is_pinned,
                is_paged=entry.paging is not None,
                device=entry.device,
                running=entry.running + entry.waiting,
            )
            for entry in snapshot.loaded
        }
        for model, share in queue.loading.items():
            if model not in found:
                found[model] = LoadState(f"Loading {percent(share)}", "info", is_loading=True)
        before = (self._states, self.devices)
        self._states, self.devices = found, device_titles(hardware.devices)
        self.budget_bytes = hardware.memory_budget_bytes
        return before != (self._states, self.devices)
