"""Where a model runs, in words: a row for each device, and what it costs to insist on one."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.hardware.summary import speed_words
from app.usage import NBSP, PROVIDER, UNKNOWN, gigabytes, spoken
from engine.hardware import Candidate, PlacementReport

_SAME = 0.02  # a difference of two percent is none


@dataclass(frozen=True, slots=True)
class PlacementLine:
    """What is said about a model on one device.

    Attributes:
        device: id; empty for the choice that is left to Hearth.
        title: of the device, with what it is reached through.
        layers: how many of the model's layers live there.
        first: time to the first token, or to the result.
        speed: tokens per second.
        memory: what it would take there.
        note: why it is where it is in the order, or why it cannot run there.
        tip: what the time to the first token is made of; may be empty.
        is_possible: whether it can run there.
        is_next: whether the next request would run there.
    """

    device: str
    title: str
    layers: str = ""
    first: str = ""
    speed: str = ""
    memory: str = ""
    note: str = ""
    tip: str = ""
    is_possible: bool = True
    is_next: bool = False


def duration_words(seconds: float) -> str:
    """A short time in the unit that fits: `48 ms`, `1.2 s`, `14 s`."""
    if seconds < 0.9995:
        return f"{max(1, round(seconds * 1000))}{NBSP}ms"
    return f"{seconds:.1f}{NBSP}s" if seconds < 9.95 else f"{seconds:.0f}{NBSP}s"


def lines_of(report: PlacementReport, titles: Mapping[str, str]) -> tuple[PlacementLine, ...]:
    """One line for the choice that is left to Hearth, then one for each device, the best first."""
    best = _best(report)
    now = _name(best.device, titles) if best is not None else ""
    note = f"Hearth chooses anew for each request; {now} would be the fastest now." if now else "It fits nowhere now."
    devices: dict[str, Candidate] = {}
    for candidate in report.candidates:
        devices.setdefault(candidate.device, candidate)
    chosen = report.choice.device if report.choice is not None else ""
    return (
        PlacementLine("", "Automatic", note=note, is_possible=True),
        *(_line(candidate, titles, report.model, chosen) for candidate in devices.values()),
    )


def cost_of(report: PlacementReport, titles: Mapping[str, str]) -> str:
    """What the device that was chosen for a model costs against the best one; empty where nothing was chosen."""
    if not report.override:
        return ""
    name = _name(report.override, titles)
    chosen = next((each for each in report.candidates if each.device == report.override), None)
    best = _best(report)
    if chosen is None:
        return f"{name} is not there any more, so Hearth chooses."
    if chosen.refusal:
        return f"{name}: {spoken(chosen.refusal, titles)}"
    if best is None or best.device == chosen.device:
        return f"{name} is what Hearth would take by itself now."
    other = _name(best.device, titles)
    mine, its = chosen.tokens_per_s, best.tokens_per_s
    if mine is not None and its is not None and mine < its * (1 - _SAME):
        return f"{name}: {speed_words(mine)} instead of {speed_words(its)} on {other}."
    first, its_first = chosen.first_token_s, best.first_token_s
    if first is not None and its_first is not None and first > its_first * (1 + _SAME):
        what = "" if mine is None else "first token after "
        return f"{name}: {what}{duration_words(first)} instead of {duration_words(its_first)} on {other}."
    return f"{name} is as fast as {other} now."


def is_for_texts(report: PlacementReport) -> bool:
    """Whether the model writes token by token."""
    return any(candidate.token_s is not None for candidate in report.candidates)


def _name(device: str, titles: Mapping[str, str]) -> str:
    """Title of a device, or of several that share a model (`gpu:0+gpu:1`)."""
    return " + ".join(titles.get(each, each) for each in device.split("+"))


def _best(report: PlacementReport) -> Candidate | None:
    """What Hearth would take by itself."""
    if report.override:
        return report.automatic
    return next((candidate for candidate in report.candidates if not candidate.refusal), None)


def _line(candidate: Candidate, titles: Mapping[str, str], model: str, chosen: str) -> PlacementLine:
    title = _name(candidate.device, titles)
    interface = candidate.interface.removesuffix(PROVIDER)
    named = f"{title} · {interface}" if interface and interface != title else title
    if candidate.refusal:
        return PlacementLine(
            candidate.device,
            named,
            UNKNOWN,
            UNKNOWN,
            UNKNOWN,
            UNKNOWN,
            spoken(candidate.refusal, titles),
            is_possible=False,
        )
    first, speed = candidate.first_token_s, candidate.tokens_per_s
    variant = f"As {candidate.model}. " if candidate.model != model else ""
    return PlacementLine(
        candidate.device,
        named,
        layers=_layers(candidate),
        first=UNKNOWN if first is None else duration_words(first),
        speed=UNKNOWN if speed is None else speed_words(speed),
        memory="loaded" if candidate.is_loaded else f"{gigabytes(candidate.needed_bytes)}{NBSP}GB",
        note=f"{variant}{spoken(candidate.reason, titles)}".strip(),
        tip=_made_of(candidate),
        is_next=candidate.device == chosen,
    )


def _layers(candidate: Candidate) -> str:
    if not candidate.total_layers:
        return "all"
    if candidate.layers >= candidate.total_layers:
        return f"all {candidate.total_layers}"
    return f"{candidate.layers} of {candidate.total_layers}"


def _made_of(candidate: Candidate) -> str:
    parts = ((candidate.load_s, "for loading"), (candidate.wait_s, "for work before it"))
    said = [f"{duration_words(seconds)} {words}" for seconds, words in parts if seconds > 0]
    return f"of it {' and '.join(said)}" if said else ""
