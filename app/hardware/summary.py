"""What the machine is and what it can run, in one line."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from app.hardware.clock import measured_words
from app.usage import GIB, NBSP, limit_gigabytes
from engine.hardware import DeviceInfo, DeviceKind, DeviceRates, HardwareSnapshot

_GOOD_ENOUGH_TYPES: Final = ("q4_k", "q4_0", "q5_k", "q6_k", "q8_0", "f16", "f32")
"""Types of weights, the most usual for models of these sizes first; the next best stands in for one not measured."""
_SIZES_GB: Final = (2, 3, 4, 6, 8, 12, 16, 18, 24, 32, 36, 48, 64, 96, 128, 192, 256, 512)
"""Memory is sold in these sizes; a system reports a little less."""
_FIRMWARE_SHARE: Final = 0.07  # a guess: most that firmware and graphics take of the memory that was sold
_BEARABLE: Final = 1.0  # tokens per second: slower ones are not worth a word; a guess
_RESERVE: Final = 0.12  # a guess: share of a model's weights that context and buffers take beside them
_LONGEST_NAME: Final = 28
_ASIDE: Final = re.compile(r"\([^()]{3,}\)|\[[^\[\]]*\]|/.*")  # what a driver adds to a name
_NOISE: Final = re.compile(
    r"\((?:tm|r)\)|\b(?:nvidia|geforce|amd|intel|laptop gpu|graphics|corporation)\b", re.IGNORECASE
)
_VOWELS: Final = "AEFHILMNORSX"  # letters whose names begin with a vowel


@dataclass(frozen=True, slots=True)
class SizeClass:
    """Models of about one size, with four-bit weights.

    Attributes:
        words: such as "7 to 8 B".
        weight_bytes: read for every token.
        layers: of a usual model of that size.
    """

    words: str
    weight_bytes: float
    layers: int


USUAL: Final = SizeClass(f"7 to 8{NBSP}B", 4.9e9, 32)
_SMALLER: Final = (
    SizeClass(f"3 to 4{NBSP}B", 2.4e9, 32),
    SizeClass(f"1 to 2{NBSP}B", 1.0e9, 24),
    SizeClass(f"0.5{NBSP}B", 0.4e9, 24),
)
_LARGER: Final = (
    SizeClass(f"70{NBSP}B", 42e9, 80),
    SizeClass(f"32{NBSP}B", 19.8e9, 64),
    SizeClass(f"14{NBSP}B", 9.0e9, 48),
)


@dataclass(frozen=True, slots=True)
class Prospect:
    """Models that would run, and how fast.

    Attributes:
        size: their size.
        tokens_per_s: of one answer.
    """

    size: SizeClass
    tokens_per_s: float


def speed_words(tokens_per_s: float) -> str:
    """A speed with its unit; a decimal only below ten."""
    number = f"{tokens_per_s:.1f}" if tokens_per_s < 9.95 else f"{tokens_per_s:,.0f}"
    return f"{number}{NBSP}tok/s"


def predicted_speed(rates: DeviceRates, size: SizeClass) -> float | None:
    """Tokens per second of a model of a size on a measured device; None where texts were not measured."""
    measured = rates.decode_bytes_per_s
    per_s = next((measured[kind] for kind in _GOOD_ENOUGH_TYPES if measured.get(kind)), None)
    if per_s is None:
        per_s = next((rate for rate in measured.values() if rate), None)
    if per_s is None:
        return None
    return 1 / (size.weight_bytes / per_s + size.layers * rates.layer_overhead_s + rates.step_overhead_s)


def usual_speed(device: str, rates: Iterable[DeviceRates]) -> float | None:
    """Tokens per second of a model of 7 to 8 B on a device, over its fastest route; None if not measured."""
    speeds = [predicted_speed(rate, USUAL) for rate in rates if rate.device == device]
    return max((speed for speed in speeds if speed is not None), default=None)


def prospects(snapshot: HardwareSnapshot) -> tuple[Prospect, ...]:
    """What can run: 7 to 8 B models, or the largest that fit; then the largest that anybody would wait for."""
    usual = _prospect(USUAL, snapshot)
    if usual is None:
        found = next((p for size in _SMALLER if (p := _prospect(size, snapshot)) is not None), None)
        return () if found is None else (found,)
    larger = (p for size in _LARGER if (p := _prospect(size, snapshot)) is not None)
    found = next((p for p in larger if p.tokens_per_s >= _BEARABLE), None)
    return (usual,) if found is None else (usual, found)


def measured_at(snapshot: HardwareSnapshot) -> float | None:
    """When the devices were measured last, in seconds since 1970; None if they were not."""
    return max((rates.measured_at for rates in snapshot.rates), default=None)


def when_measured(snapshot: HardwareSnapshot, now: float) -> str:
    """What stands beside the line about the machine; `now` is in seconds since 1970."""
    if not snapshot.is_probed:
        return "looking for devices…"
    if snapshot.is_measuring:
        return "being measured…"
    at = measured_at(snapshot)
    return "not measured yet" if at is None else measured_words(at, now)


def summary_of(snapshot: HardwareSnapshot) -> str:
    """What the machine is, and what it runs at which speed if that was measured."""
    what = machine_words(snapshot)
    found = prospects(snapshot)
    if not found:
        return f"{what}."
    first, *rest = found
    runs = f"runs {first.size.words} models at about {speed_words(first.tokens_per_s)}"
    more = "".join(f", {other.size.words} at about {speed_words(other.tokens_per_s)}" for other in rest)
    return f"{what}: {runs}{more}."


def machine_words(snapshot: HardwareSnapshot) -> str:
    """What the machine is: memory, cores, and the other devices that can be used."""
    parts = []
    processor = next((device for device in snapshot.devices if device.kind is DeviceKind.CPU), None)
    sample = snapshot.latest.devices.get(processor.id) if snapshot.latest and processor else None
    if sample is not None and sample.cores:
        count = len(sample.cores)
        parts.append(f"{count}{NBSP}core{'' if count == 1 else 's'}")
    usable = [device for device in snapshot.devices if device.is_usable]
    graphics = [device for device in usable if device.kind is DeviceKind.GPU]
    neural = [device for device in usable if device.kind is DeviceKind.NPU]
    if graphics:
        parts.append(_with_article(short_name(graphics[0])) if len(graphics) == 1 else f"{len(graphics)}{NBSP}GPUs")
    if neural:
        parts.append(f"an{NBSP}NPU" if len(neural) == 1 else f"{len(neural)}{NBSP}NPUs")
    size = memory_words(snapshot.memory_bytes)
    article = "An" if re.match(r"8|11\b|18\b", size) else "A"
    return f"{article} {size} machine" + (f" with {_listed(parts)}" if parts else "")


def memory_words(size_bytes: int) -> str:
    """Memory of a machine as it was sold, `16 GB`; as it is where that is no usual size."""
    size = size_bytes / GIB
    sold = next((each for each in _SIZES_GB if each * (1 - _FIRMWARE_SHARE) <= size <= each * 1.005), None)
    return f"{limit_gigabytes(size_bytes) if sold is None else sold}{NBSP}GB"


def short_name(device: DeviceInfo) -> str:
    """A device's name without its maker and what every such name has; where that is too long or nothing, its kind."""
    name = " ".join(_NOISE.sub(" ", _ASIDE.sub(" ", device.name)).split())
    return name if 0 < len(name) <= _LONGEST_NAME else device.kind.value.upper()


def _prospect(size: SizeClass, snapshot: HardwareSnapshot) -> Prospect | None:
    """Speed of a size on the fastest device that has the room for it."""
    devices = {device.id: device for device in snapshot.devices if device.is_usable}
    speeds = [
        predicted_speed(rates, size)
        for rates in snapshot.rates
        if rates.device in devices
        and size.weight_bytes * (1 + _RESERVE) <= _room_bytes(devices[rates.device], snapshot.memory_budget_bytes)
    ]
    best = max((speed for speed in speeds if speed is not None), default=None)
    return None if best is None else Prospect(size, best)


def _room_bytes(device: DeviceInfo, budget_bytes: int) -> int:
    if device.kind is DeviceKind.CPU or device.shares_memory:
        return budget_bytes
    return device.memory_bytes or 0


def _with_article(name: str) -> str:
    first = name.split(" ")[0]
    is_spelled = first.isupper() and not any(letter in "AEIOU" for letter in first)
    sounds_open = first[0].upper() in _VOWELS if is_spelled else first[0].upper() in "AEIOU"
    return f"{'an' if sounds_open else 'a'}{NBSP}{name}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
