"""Graphics of Intel: heat, power and throttling from /sys.

How busy the whole device is can be read with privileges only (performance counters), and stays unknown; what Hearth
itself does there comes from `drm_fdinfo`.
"""

from collections.abc import Mapping
from pathlib import Path

from engine.devices.telemetry.hwmon import Hwmon
from engine.devices.telemetry.kept_file import KeptFile
from engine.hardware import DeviceSample

_THROTTLES = (
    "drm/card*/gt/gt*/throttle_reason_status",  # i915
    "tile*/gt*/freq*/throttle/status",  # xe
)


class IntelGpuSource:
    """One GPU.

    Thread: one at a time.
    """

    def __init__(self, device: str, folder: Path) -> None:
        """Open the files.

        Args:
            device: id.
            folder: of the device on the bus.
        """
        self._device = device
        self._sensors = Hwmon(folder)
        self._throttles = [KeptFile(path) for pattern in _THROTTLES for path in sorted(folder.glob(pattern))]

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        """What its sensors say; `now_s` is on the monotonic clock."""
        throttles = [number for file in self._throttles if (number := file.number()) is not None]
        return {
            self._device: DeviceSample(
                temperature_c=self._sensors.temperature_c(now_s),
                power_w=self._sensors.power_w(now_s),
                is_throttled=any(throttles) if throttles else None,
            )
        }

    def close(self) -> None:
        """Release the files."""
        self._sensors.close()
        for file in self._throttles:
            file.close()
