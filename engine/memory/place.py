"""Place: a model's file on a device."""

from dataclasses import dataclass
from pathlib import Path

from engine.backends.base import CPU_TARGET, DeviceTarget
from engine.types import ModelInfo


@dataclass(frozen=True, slots=True)
class Place:
    """A model's file on a device, through an interface: the same file may be loaded on several."""

    path: Path
    device: str = CPU_TARGET.device
    interface: str = CPU_TARGET.interface

    @property
    def devices(self) -> tuple[str, ...]:
        """Ids of the devices that share it."""
        return tuple(self.device.split("+"))


def place_of(info: ModelInfo, target: DeviceTarget) -> Place:
    """Where a model is, or will be. What runs in Hearth's own process is one place, whatever a backend calls it."""
    return Place(info.path, target.device, target.interface if target.targets else CPU_TARGET.interface)
