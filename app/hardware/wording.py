"""Wording: the state, the numbers and the one sentence of a device's card."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.hardware.summary import USUAL, speed_words, usual_speed
from app.usage import NBSP, PROVIDER, UNKNOWN, UNKNOWN_TIP, gigabytes, limit_gigabytes
from engine.hardware import DeviceInfo, DeviceKind, DeviceLoad, DeviceRates, DeviceSample

StateTone = Literal["ok", "info", "neutral", "warn"]

_LONGEST_NAME: Final = 32
LOOK_AGAIN: Final = (
    "Once a driver or a part of Hearth that reaches it is installed, look again. The other devices are used meanwhile."
)


@dataclass(frozen=True, slots=True)
class State:
    """What a device is up to: a word, an icon and a tone that say the same."""

    word: str
    icon: str
    tone: StateTone


READY: Final = State("Ready", "success", "ok")
BUSY: Final = State("Busy", "play", "info")
IDLE: Final = State("Idle", "clock", "neutral")
NOT_USED: Final = State("Not used", "pause", "neutral")
FAILED: Final = State("Not used", "warning", "warn")


@dataclass(frozen=True, slots=True)
class Stat:
    """A number with its title.

    Attributes:
        title: what it is.
        words: the number with its unit.
        tip: what cannot be seen from that; may be empty.
        role: of the number's colour.
    """

    title: str
    words: str
    tip: str = ""
    role: str = "text"


@dataclass(frozen=True, slots=True)
class Sentence:
    """Why things are as they are: what it is about, then the rest."""

    lead: str
    rest: str

    @property
    def whole(self) -> str:
        """Both."""
        return f"{self.lead} {self.rest}".strip()


def state_of(device: DeviceInfo, load: DeviceLoad | None) -> State:
    """How a device is now."""
    if not device.is_usable:
        return NOT_USED
    if load is None:
        return IDLE
    if load.failure:
        return FAILED
    if load.running or load.waiting:
        return BUSY
    return READY if load.models else IDLE


def subtitle_of(device: DeviceInfo, sample: DeviceSample | None) -> str:
    """Its name, and what it is reached through; of the processor, how many cores it has."""
    parts = [device.name]
    if device.kind is DeviceKind.CPU:
        if sample is not None and sample.cores:
            count = len(sample.cores)
            parts.append(f"{count}{NBSP}core{'' if count == 1 else 's'}")
    else:
        parts += interfaces_of(device)
    return " · ".join(filter(None, parts))


def interfaces_of(device: DeviceInfo) -> list[str]:
    """What usable routes go through, each once."""
    named = [route.interface.removesuffix(PROVIDER) for route in device.routes if not route.fault]
    return list(dict.fromkeys(named))


def speeds_of(device: DeviceInfo, load: DeviceLoad | None) -> tuple[str, ...]:
    """Tokens and images per second, whichever a device has routes for."""
    said = []
    if device.route("llama.cpp") is not None:
        said.append(speed_words(load.tokens_per_s) if load and load.tokens_per_s else f"0{NBSP}tok/s")
    if device.route("onnxruntime") is not None:
        images = load.images_per_s if load is not None else 0.0
        number = f"{images:.1f}" if 0 < images < 9.95 else f"{images:,.0f}"
        said.append(f"{number}{NBSP}img/s")
    return tuple(said)


def stats_of(device: DeviceInfo, load: DeviceLoad | None, sample: DeviceSample | None) -> tuple[Stat, ...]:
    """The four numbers of a card."""
    first = _threads(load, sample) if device.kind is DeviceKind.CPU else _memory(device, sample)
    return (first, _heat(sample), _power(sample), _lane(load))


def sentence_of(
    device: DeviceInfo, load: DeviceLoad | None, sample: DeviceSample | None, rates: Iterable[DeviceRates]
) -> Sentence:
    """What matters most about a device now: a failure, heat, fewer threads, or what is loaded and how fast that is."""
    if not device.is_usable:
        return Sentence(device.fault or _fault_of_routes(device), LOOK_AGAIN)
    if load is not None and load.failure:
        return Sentence("Not used for now:", _uncapitalised(load.failure))
    if sample is not None and sample.is_throttled:
        return Sentence("Slowed down", "by heat or by a limit of its power; answers take longer until it has cooled.")
    if load is not None and " instead of " in load.threads_reason:
        lead, colon, rest = load.threads_reason.partition(":")
        return Sentence(lead + colon, _ended(rest.strip()))
    models = load.models if load is not None else ()
    lead, rest = (
        (_and([shortened(model) for model in models]), "loaded here.") if models else ("Nothing is loaded here.", "")
    )
    return Sentence(lead, f"{rest} {_measured(device, rates)}".strip())


def _measured(device: DeviceInfo, rates: Iterable[DeviceRates]) -> str:
    own = [each for each in rates if each.device == device.id]
    if not own:
        return "Not measured yet."
    speed = usual_speed(device.id, own)
    flops = max((each.graph_flops for each in own), default=0.0)
    said = [f"about {speed_words(speed)} with {USUAL.words} models"] if speed is not None else []
    if flops:
        said.append(f"{flops_words(flops)} with pictures")
    return f"Measured: {', '.join(said)}." if said else "Measured."


def flops_words(per_s: float) -> str:
    """Arithmetic per second, in the unit that fits."""
    for unit, name in ((1e12, "TFLOP/s"), (1e9, "GFLOP/s")):
        if per_s >= unit:
            number = per_s / unit
            return f"{number:.1f}{NBSP}{name}" if number < 9.95 else f"{number:,.0f}{NBSP}{name}"
    return f"{per_s / 1e6:,.0f}{NBSP}MFLOP/s"


def _fault_of_routes(device: DeviceInfo) -> str:
    faults = [route.fault for route in device.routes if route.fault]
    return faults[0] if faults else "Nothing in this Hearth can reach it."


def _threads(load: DeviceLoad | None, sample: DeviceSample | None) -> Stat:
    cores = len(sample.cores) if sample is not None else 0
    if load is None or not load.threads:
        return Stat("Threads", UNKNOWN, "nothing has run on it yet")
    words = f"{load.threads} of {cores}" if cores >= load.threads else str(load.threads)
    return Stat("Threads", words, load.threads_reason)


def _memory(device: DeviceInfo, sample: DeviceSample | None) -> Stat:
    if device.shares_memory:
        return Stat("Memory", "shared", "it computes in the memory of the machine")
    used = sample.memory_used_bytes if sample is not None else None
    ours = sample.memory_ours_bytes if sample is not None else None
    total = device.memory_bytes
    if used is None and total is None:
        return Stat("Memory", UNKNOWN, UNKNOWN_TIP)
    now = UNKNOWN if used is None else gigabytes(used)
    words = f"{now} of {limit_gigabytes(total)}{NBSP}GB" if total is not None else f"{now}{NBSP}GB"
    tip = f"Hearth {gigabytes(ours)}{NBSP}GB of it" if ours is not None else "how much of it is Hearth's is unknown"
    return Stat("Memory", words, tip)


def _heat(sample: DeviceSample | None) -> Stat:
    degrees = sample.temperature_c if sample is not None else None
    if degrees is None:
        return Stat("Heat", UNKNOWN, UNKNOWN_TIP)
    is_slow = sample is not None and bool(sample.is_throttled)
    tip = "slowed down by heat or by a limit of its power" if is_slow else ""
    return Stat("Heat", f"{degrees:.0f}{NBSP}°C", tip, "warning" if is_slow else "text")


def _power(sample: DeviceSample | None) -> Stat:
    watts = sample.power_w if sample is not None else None
    if watts is None:
        return Stat("Power", UNKNOWN, UNKNOWN_TIP)
    return Stat("Power", f"{watts:.1f}{NBSP}W" if watts < 9.95 else f"{watts:.0f}{NBSP}W")


def _lane(load: DeviceLoad | None) -> Stat:
    running, waiting = (load.running, load.waiting) if load is not None else (0, 0)
    tip = f"{running} being answered, {waiting} waiting"
    if not running and not waiting:
        return Stat("Lane", "free", tip)
    if not waiting:
        return Stat("Lane", f"{running}{NBSP}answer{'' if running == 1 else 's'}", tip)
    return Stat("Lane", f"{running} + {waiting} wait", tip)


def shortened(name: str) -> str:
    """A name of at most 32 characters; a longer one without its middle."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME // 2]}…{name[1 - _LONGEST_NAME // 2 :]}"


def _and(names: Sequence[str]) -> str:
    if len(names) > 2:
        return f"{names[0]}, {names[1]} and {len(names) - 2} more"
    return " and ".join(names)


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _uncapitalised(text: str) -> str:
    """A sentence that goes on after a colon; names that are spelled in capitals stay."""
    return text if len(text) < 2 or text[1].isupper() or not text[0].isupper() else text[0].lower() + text[1:]
