"""Intel's neural processors, from what their Linux driver writes into /sys."""

from collections.abc import Mapping
from pathlib import Path

from engine.devices.telemetry.kept_file import KeptFile, Rate
from engine.hardware import DeviceSample

_PERIOD_S = 0.95  # the driver asks not to be read more than once per second
_MICRO = 1e-6


class IntelNpuSource:
    """One NPU: the time in which it had work (Linux 6.11), and the machine's memory that it uses (6.15).

    Both are counts that the driver keeps; reading them does not wake the device.

    Thread: one at a time.
    """

    def __init__(self, device: str, folder: Path) -> None:
        """Open the files.

        Args:
            device: id.
            folder: of the device on the bus.
        """
        self._device = device
        self._busy_file = KeptFile(folder / "npu_busy_time_us")
        self._busy = Rate(least_s=_PERIOD_S)
        self._memory = KeptFile(folder / "npu_memory_utilization")

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        """What it does; `now_s` is on the monotonic clock."""
        rate = self._busy.of(self._busy_file.number(), now_s)
        used = self._memory.number()
        return {
            self._device: DeviceSample(
                utilisation=None if rate is None else min(1.0, rate * _MICRO),
                memory_used_bytes=None if used is None or used < 0 else used,
            )
        }

    def close(self) -> None:
        """Release the files."""
        self._busy_file.close()
        self._memory.close()
