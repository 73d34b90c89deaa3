"""How busy a device is, in words and numbers: the same on the Hardware page and in the status strip."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from engine.hardware import DeviceInfo, DeviceKind, DeviceSample

NBSP: Final = "\u00a0"
UNKNOWN: Final = "–"
UNKNOWN_TIP: Final = "unknown: this system does not say"
GIB: Final = 1 << 30
PROVIDER: Final = "ExecutionProvider"
"""End of the names of ONNX Runtime's providers, which says nothing."""

_TITLES: Final = {DeviceKind.CPU: "CPU", DeviceKind.GPU: "GPU", DeviceKind.NPU: "NPU"}


@dataclass(frozen=True, slots=True)
class Usage:
    """What is said about one moment of a device; unknown is never 0.

    Attributes:
        figure: the one large number: all use, or ours where nothing else is known.
        ours: words of the legend.
        others: likewise.
        description: the numbers in a sentence.
        ours_share: share that Hearth uses, in [0, 1]; None if unknown.
        others_share: share that others use, in [0, 1]; None if unknown.
    """

    figure: str
    ours: str
    others: str
    description: str
    ours_share: float | None
    others_share: float | None

    @property
    def is_known(self) -> bool:
        """Whether the figure is a number."""
        return self.figure != UNKNOWN


def percent(share: float) -> str:
    """A share as `47 %`, between 0 and 100, on one line."""
    return f"{_points(share)}{NBSP}%"


def usage_of(title: str, sample: DeviceSample | None) -> Usage:
    """Say what is known about the use of a device.

    Args:
        title: of the device.
        sample: None before the first one.
    """
    used = sample.utilisation if sample is not None else None
    ours = sample.ours if sample is not None else None
    if used is not None and ours is not None:
        both, own = _points(used), min(_points(ours), _points(used))
        said = f"{title} {both} %, Hearth {own}, others {both - own}"
        return Usage(
            f"{both}{NBSP}%",
            f"Hearth {own}{NBSP}%",
            f"others {both - own}{NBSP}%",
            said,
            min(ours, used),
            max(0.0, used - ours),
        )
    if used is not None:
        said = f"{title} {_points(used)} %, shares of Hearth and others unknown"
        return Usage(percent(used), f"Hearth {UNKNOWN}", f"others {UNKNOWN}", said, None, used)
    if ours is not None:
        said = f"{title}: Hearth {_points(ours)} %, others unknown"
        return Usage(percent(ours), f"Hearth {percent(ours)}", "others unknown", said, ours, None)
    said = f"{title}: {UNKNOWN_TIP}" if sample is not None else f"{title}: not looked at yet"
    return Usage(UNKNOWN, f"Hearth {UNKNOWN}", f"others {UNKNOWN}", said, None, None)


def device_titles(devices: Sequence[DeviceInfo]) -> dict[str, str]:
    """What each device is called, by id: `GPU`, or `GPU 1` where there are several of a kind."""
    kinds = [device.kind for device in devices]
    return {
        device.id: _TITLES[device.kind]
        if kinds.count(device.kind) == 1
        else f"{_TITLES[device.kind]}{NBSP}{_number_of(device.id)}"
        for device in devices
    }


def spoken(words: str, titles: Mapping[str, str]) -> str:
    """A sentence of the engine with the devices' titles in place of their ids, and short names of providers.

    Args:
        words: such as "cpu, 0.7 s".
        titles: by device id.
    """
    for device, title in titles.items():
        words = re.sub(rf"(?<![\w:.-]){re.escape(device)}(?![\w:-])", title, words)
    return words.replace(f"CPU{PROVIDER}", "ONNX Runtime").replace(PROVIDER, "")


def gigabytes(size_bytes: float) -> str:
    """Memory as a number without its unit, one decimal below 100: `7.6`, `128`."""
    size = size_bytes / GIB
    return f"{size:.0f}" if size >= 99.95 else f"{size:.1f}"


def limit_gigabytes(size_bytes: float) -> str:
    """A limit of memory as a number without its unit; whole ones without decimals: `10`, `7.5`."""
    text = gigabytes(size_bytes)
    return text.removesuffix(".0")


def _points(share: float) -> int:
    return round(max(0.0, min(1.0, share)) * 100)


def _number_of(device: str) -> str:
    return device.partition(":")[2] or "0"
