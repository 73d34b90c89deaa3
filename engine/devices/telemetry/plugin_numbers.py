"""Numbers of plugins that are about a device, put beside those that Hearth reads itself."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from engine.devices.telemetry.sample_parts import merged
from engine.hardware import DeviceSample
from engine.plugins.contract.offers import Sample

_NAME = re.compile(r"^(cpu|(?:gpu|npu):\d+) +(utili[sz]ation|memory|temperature|power)$", re.IGNORECASE)

UNITS: Final[Mapping[str, Mapping[str, float]]] = {
    "utilisation": {"%": 0.01},
    "memory": {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30},
    "temperature": {"°C": 1},
    "power": {"W": 1, "mW": 1e-3},
}
"""What a number can be, its units, and what one of them is in our own: shares, bytes, degrees Celsius, watts."""

_PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    "utilisation": (0, 1),
    "memory": (0, 1 << 50),
    "temperature": (-50, 200),
    "power": (0, 10_000),
}


def device_sample(sample: Sample) -> tuple[str, DeviceSample] | None:
    """What a plugin's number says about a device.

    Its name is the device's id and what it measures: `gpu:0 temperature`, `npu:0 utilisation`, `gpu:1 memory`,
    `cpu power`. Its unit is one of UNITS. Whatever has another name, another unit or a value that cannot be is about
    something else, and is shown with the plugin only.

    Returns:
        device id and sample; None if it is about something else.
    """
    found = _NAME.match(sample.name.strip())
    if found is None:
        return None
    device, what = found[1].lower(), found[2].lower().replace("utilization", "utilisation")
    factor = UNITS[what].get(sample.unit.strip())
    least, most = _PLAUSIBLE[what]
    if factor is None or not math.isfinite(sample.value) or not least <= sample.value * factor <= most:
        return None
    value = sample.value * factor
    if what == "utilisation":
        return device, DeviceSample(utilisation=value)
    if what == "memory":
        return device, DeviceSample(memory_used_bytes=int(value))
    if what == "temperature":
        return device, DeviceSample(temperature_c=value)
    return device, DeviceSample(power_w=value)


class PluginSource:
    """The newest numbers of plugins, as a source of samples of devices.

    Thread: one at a time.
    """

    def __init__(self, newest: Callable[[], Iterable[Sample]]) -> None:
        self._newest = newest

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        """What the numbers say; whatever Hearth reads itself wins over it."""
        del now_s  # plugins are read at their own pace
        found = (device_sample(sample) for sample in self._newest())
        return merged({device: sample} for device, sample in (it for it in found if it is not None))


def from_plugin(newest: Callable[[], Iterable[Sample]]) -> PluginSource:
    """Make a source of samples of devices out of plugins' numbers.

    Args:
        newest: the newest numbers of one plugin or several, those of stopped plugins left out; must not block, so it
            gives what was read already and does not ask a plugin.
    """
    return PluginSource(newest)
