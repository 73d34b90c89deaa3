"""Graphics of AMD, from what their Linux driver writes into /sys; needs no library."""

from collections.abc import Mapping
from pathlib import Path

from engine.devices.telemetry.hwmon import Hwmon
from engine.devices.telemetry.kept_file import KeptFile
from engine.hardware import DeviceSample


class AmdGpuSource:
    """One GPU: utilisation, memory, heat and power.

    Thread: one at a time.
    """

    def __init__(self, device: str, folder: Path, *, shares_memory: bool) -> None:
        """Open the files.

        Args:
            device: id.
            folder: of the device on the bus.
            shares_memory: whether it computes in the machine's memory; most of what it uses is then in its second
                region (GTT).
        """
        self._device = device
        self._busy = KeptFile(folder / "gpu_busy_percent")
        regions = ("vram", "gtt") if shares_memory else ("vram",)
        self._memory = [KeptFile(folder / f"mem_info_{region}_used") for region in regions]
        self._sensors = Hwmon(folder)

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        """What it does; `now_s` is on the monotonic clock."""
        percent = self._busy.number()
        used = [number for file in self._memory if (number := file.number()) is not None]
        return {
            self._device: DeviceSample(
                utilisation=percent / 100 if percent is not None and 0 <= percent <= 100 else None,
                memory_used_bytes=sum(used) if len(used) == len(self._memory) else None,
                temperature_c=self._sensors.temperature_c(now_s),
                power_w=self._sensors.power_w(now_s),
            )
        }

    def close(self) -> None:
        """Release the files."""
        self._sensors.close()
        for file in (self._busy, *self._memory):
            file.close()
