"""Heat, power and throttling of the processor, from Linux' own files; psutil opens all of them every time."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.devices.telemetry.hwmon import temperature_of
from engine.devices.telemetry.kept_file import KeptFile, Rate, Seldom
from engine.hardware import DeviceSample

_CHIPS = ("k10temp", "zenpower", "coretemp", "cpu_thermal")
_WHOLE = re.compile(r"^(Tdie|Tctl|Package id \d+)$")  # of the processor; other labels are single cores and memory
_ZONES = re.compile(r"^(x86_pkg_temp|cpu|cpu[-_]?thermal|soc[-_]thermal)$")
_BOARD = "acpitz"  # a sensor somewhere on the board, and one that the firmware may take its time for
_PERIOD_S = 2.0
_BOARD_PERIOD_S = 10.0
_MICRO = 1e-6


class ProcessorSensorsSource:
    """What the sensors of the processor say.

    Power is that of all packages, from RAPL's energy counters; since 2020 only an administrator may read those, so it
    is mostly unknown. Throttling is known of Intel's processors alone: whether the count of thermal events rose within
    the last two seconds.

    Thread: one at a time.
    """

    def __init__(self, device: str, root: Path = Path("/")) -> None:
        """Find the files.

        Args:
            device: id of the processor.
            root: where `sys` is; a test gives its own.
        """
        self._device = device
        self._temperature_files, is_board = _temperatures(root)
        self._temperature = Seldom(_BOARD_PERIOD_S if is_board else _PERIOD_S, self._read_temperature)
        self._packages = list(_packages(root))
        self._events_files = list(_throttle_counts(root))
        self._events = Seldom(_PERIOD_S, self._read_events)
        self._last_events: int | None = None

    def read(self, now_s: float) -> Mapping[str, DeviceSample]:
        """What they say; `now_s` is on the monotonic clock."""
        powers = [rate.of(file.number(), now_s) for file, rate in self._packages]
        known = [power * _MICRO for power in powers if power is not None]
        return {
            self._device: DeviceSample(
                temperature_c=self._temperature.value(now_s),
                power_w=sum(known) if known and len(known) == len(powers) else None,
                is_throttled=self._events.value(now_s),
            )
        }

    def close(self) -> None:
        """Release the files."""
        for file in (*self._temperature_files, *(file for file, _ in self._packages), *self._events_files):
            file.close()

    def _read_temperature(self) -> float | None:
        return max(
            (found for file in self._temperature_files if (found := temperature_of(file)) is not None), default=None
        )

    def _read_events(self) -> bool | None:
        counts = [count for file in self._events_files if (count := file.number()) is not None]
        last, self._last_events = self._last_events, sum(counts) if counts else None
        return None if last is None or self._last_events is None else self._last_events > last


def _temperatures(root: Path) -> tuple[list[KeptFile], bool]:
    """The files that say how hot the processor is, and whether they are only the board's."""
    chips: dict[str, list[Path]] = {}
    for folder in sorted((root / "sys/class/hwmon").glob("hwmon*")):
        chips.setdefault(_word(folder / "name"), []).append(folder)
    for name in _CHIPS:
        if found := [path for folder in chips.get(name, []) for path in _whole_inputs(folder)]:
            return [KeptFile(path) for path in found], False
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*"))
    if found := [folder / "temp" for folder in zones if _ZONES.match(_word(folder / "type"))]:
        return [KeptFile(path) for path in found], False
    return [KeptFile(folder / "temp1_input") for folder in chips.get(_BOARD, [])[:1]], True


def _whole_inputs(folder: Path) -> list[Path]:
    inputs = sorted(folder.glob("temp*_input"))
    whole = [path for path in inputs if _WHOLE.match(_word(path.with_name(path.name.replace("_input", "_label"))))]
    return whole or inputs[:1]


def _packages(root: Path) -> Iterator[tuple[KeptFile, Rate]]:
    for folder in sorted((root / "sys/class/powercap").glob("intel-rapl:*")):
        # Named so on AMD's processors as well. A second colon is a part of a package; `psys` is the whole platform.
        if folder.name.count(":") == 1 and _word(folder / "name").startswith("package"):
            file = KeptFile(folder / "energy_uj")
            if file.is_open:
                yield file, Rate(wraps_at=_number(folder / "max_energy_range_uj"))


def _throttle_counts(root: Path) -> Iterator[KeptFile]:
    seen = set()
    for folder in sorted((root / "sys/devices/system/cpu").glob("cpu[0-9]*")):
        yield KeptFile(folder / "thermal_throttle/core_throttle_count")
        package = _word(folder / "topology/physical_package_id")
        if package not in seen:
            seen.add(package)
            yield KeptFile(folder / "thermal_throttle/package_throttle_count")


def _word(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    text = _word(path)
    return int(text) if text.isdigit() else None
