"""HardwareSource: what the page needs of an engine."""

from collections.abc import Callable
from typing import Protocol

from engine import EngineSnapshot
from engine.hardware import (
    DeviceInfo,
    DeviceRates,
    HardwareEvent,
    HardwareSnapshot,
    PlacementReport,
    TelemetrySample,
)

OnProgress = Callable[[float, str], None]
"""Share of the work that is done, in [0, 1], and what is done now; called on any thread."""


class TelemetryView(Protocol):
    """Samples of the last hour; cheap, from any thread."""

    def latest(self) -> TelemetrySample | None:
        """The newest sample; None before the first."""

    def history(self, since_s: float) -> tuple[TelemetrySample, ...]:
        """Samples that were taken at a moment of the monotonic clock or later, the oldest first."""

    def events(self) -> tuple[HardwareEvent, ...]:
        """What happened, the oldest first."""


class HardwareSource(Protocol):
    """The devices of an engine. Errors are `EngineError`s with cause and remedy."""

    @property
    def telemetry(self) -> TelemetryView:
        """What was sampled."""

    def hardware(self) -> HardwareSnapshot:
        """Everything as it is now; cheap, from any thread, while the engine is open."""

    def snapshot(self) -> EngineSnapshot:
        """The models in memory, among others; cheap, from any thread, while the engine is open."""

    async def measure_devices(self, on_progress: OnProgress | None = None) -> tuple[DeviceRates, ...]:
        """Measure all devices anew, some seconds each; may be cancelled."""

    async def find_devices(self) -> tuple[DeviceInfo, ...]:
        """Ask the backends again what they reach."""

    async def placements(self, model: str) -> PlacementReport:
        """Say where a model would run, and where else it could."""

    def set_device(self, model: str, device: str) -> None:
        """Let a model run on one device only; an empty one leaves the choice to Hearth."""

    def hardware_report(self) -> str:
        """Everything about this machine as text, for a report."""
