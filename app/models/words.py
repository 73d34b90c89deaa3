"""Words and numbers of the Models page; plain values, without Qt. Sizes are in decimal units, as on the disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.usage import NBSP, UNKNOWN
from engine import Accepts, Fit, FitVerdict, GateReport, ModelCard, ModelInfo, Origin, Trust

Tone = Literal["ok", "warn", "bad", "neutral"]

CHAT: Final = "Chat"
VISION: Final = "Vision"
OTHER: Final = "Other"
KINDS: Final = (CHAT, VISION, OTHER)
"""What the list can be narrowed to."""

KILO: Final = 1000
MEGA: Final = 1_000_000
GIGA: Final = 1_000_000_000

_TEXT: Final = frozenset({Accepts.MESSAGES, Accepts.PROMPT, Accepts.SUFFIX})
_SLOW_MS: Final = 1000
_PROGRAMS: Final = {
    Origin.INCLUDED: "included",
    Origin.OWN: "",
    Origin.LM_STUDIO: "LM Studio",
    Origin.OLLAMA: "Ollama",
    Origin.JAN: "Jan",
    Origin.HUGGING_FACE: "Hugging Face",
}
_TASKS: Final = {
    "chat": "Answers in Chat",
    "completion": "Continues texts",
    "infill": "Fills gaps in code",
    "embedding": "Makes vectors of texts, for search",
    "reading": "Reads text in pictures",
    "classification": "Says what a picture shows",
    "detection": "Finds things in pictures",
    "features": "Makes vectors of pictures",
}
FOREIGN: Final = frozenset({Origin.LM_STUDIO, Origin.OLLAMA, Origin.JAN, Origin.HUGGING_FACE})
"""Of other programs."""


@dataclass(frozen=True, slots=True)
class FitLook:
    """How a verdict is shown: an icon, a word and a tone that say the same."""

    icon: str
    tone: Tone
    words: str

    @property
    def role(self) -> str:
        """Colour of icon and word; its quiet background is `role-fill`."""
        return {"ok": "success", "warn": "warning", "bad": "danger", "neutral": "text-muted"}[self.tone]


JUDGING: Final = FitLook("clock", "neutral", "Looking…")


def fit_look(fit: Fit, tokens_per_s: float | None = None) -> FitLook:
    """The look of a verdict; of one with paging, with the speed to expect."""
    if fit is Fit.FITS:
        return FitLook("success", "ok", "Fits")
    if fit is Fit.NO:
        return FitLook("error", "bad", "Does not fit")
    speed = f" ~{speed_words(tokens_per_s)}" if tokens_per_s else ""
    return FitLook("paging", "warn", f"Fits with paging{speed}")


def look_of(verdict: FitVerdict) -> FitLook:
    """The look of a verdict of the engine."""
    return fit_look(verdict.fit, verdict.tokens_per_s)


def size_words(size_bytes: float) -> str:
    """Such as `8.99 GB`, `19.3 GB`, `17 MB`, `420 kB`."""
    if size_bytes >= 0.9995 * GIGA:
        size = size_bytes / GIGA
        number = f"{size:.2f}" if size < 9.995 else f"{size:.1f}" if size < 99.95 else f"{size:,.0f}"
        return f"{number}{NBSP}GB"
    if size_bytes >= 0.9995 * MEGA:
        size = size_bytes / MEGA
        number = f"{size:.1f}".removesuffix(".0") if size < 9.95 else f"{size:.0f}"
        return f"{number}{NBSP}MB"
    return f"{size_bytes / KILO:,.0f}{NBSP}kB"


def speed_words(per_s: float | None, *, is_text: bool = True) -> str:
    """Tokens per second of a text model, milliseconds of any other; a dash if that is unknown."""
    if per_s is None or per_s <= 0:
        return UNKNOWN
    if is_text:
        number = f"{per_s:.1f}" if per_s < 1.95 else f"{per_s:,.0f}"
        return f"{number}{NBSP}tok/s"
    took_ms = 1000 / per_s
    if took_ms >= _SLOW_MS:
        return f"{took_ms / 1000:.1f}{NBSP}s"
    return f"{took_ms:.1f}{NBSP}ms" if took_ms < 1.95 else f"{took_ms:.0f}{NBSP}ms"


def count_words(count: int) -> str:
    """How many weights: `14.8 B`, `494 M`, `4.2 M`."""
    for size, unit in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if count >= 0.9995 * size:  # what would be written as 1,000 of the smaller unit
            number = count / size
            return f"{number:.1f}{NBSP}{unit}" if number < 99.95 else f"{number:,.0f}{NBSP}{unit}"
    return str(count)


def kind_of(accepts: frozenset[Accepts]) -> str:
    """One of `KINDS`."""
    if Accepts.IMAGE in accepts and not accepts & _TEXT:
        return VISION
    return CHAT if accepts & _TEXT else OTHER


def is_text(accepts: frozenset[Accepts]) -> bool:
    """Whether a model writes texts, and its speed counts tokens."""
    return bool(accepts & _TEXT)


def use_words(accepts: frozenset[Accepts]) -> str:
    """What a model is for, in a word or two."""
    if Accepts.MESSAGES in accepts:
        return "Chat"
    if Accepts.SUFFIX in accepts:
        return "Code"
    if Accepts.PROMPT in accepts:
        return "Text"
    if Accepts.IMAGE in accepts:
        return "Vision"
    return "Embeddings" if Accepts.TEXTS in accepts else "Unknown"


def task_words(task: str) -> str:
    """What a model does for a task, as on the page: a name of one's own is shown as it is."""
    return _TASKS.get(task) or f"Task “{task.replace('-', ' ').replace('_', ' ')}”"


def origin_words(origin: Origin, folder: str = "") -> str:
    """Whose file it is, in a word or two; empty for Hearth's own folder."""
    return _PROGRAMS.get(origin, folder or "a folder of yours")


def format_words(info: ModelInfo) -> str:
    """Such as `GGUF Q4_K_M`."""
    return " ".join(filter(None, (info.format.upper(), info.quantization)))


def subtitle_words(card: ModelCard) -> str:
    """What it is for, its format and whose it is: `Chat · GGUF Q4_K_M · included`."""
    whose = origin_words(card.provenance.origin, card.provenance.folder.name)
    return " · ".join(filter(None, (use_words(card.info.accepts), format_words(card.info), whose)))


def about_words(info: ModelInfo) -> str:
    """`Chat · 14.8 B parameters · Apache 2.0 · context up to 32,768`."""
    count = f"{count_words(info.parameters)} parameters" if info.parameters else ""
    context = f"context up to {info.context_tokens:,}" if info.context_tokens else ""
    licence = licence_words(info.licence) if info.licence else ""
    return " · ".join(filter(None, (use_words(info.accepts), count, licence, context)))


def licence_words(licence: str) -> str:
    """A licence's identifier as people write it: `apache-2.0` is `Apache 2.0`."""
    known = {"mit": "MIT", "apache-2.0": "Apache 2.0", "gpl-3.0": "GPL 3.0", "cc-by-4.0": "CC BY 4.0"}
    return known.get(licence.casefold(), licence)


def device_words(device: str, titles: Mapping[str, str]) -> str:
    """A device as the window calls it; a dash if it is not known yet."""
    return " + ".join(titles.get(part, part.upper()) for part in device.split("+")) if device else UNKNOWN


def trust_words(gate: GateReport) -> str:
    """What is known of a file, in one sentence."""
    return {
        Trust.INCLUDED: "It came with Hearth.",
        Trust.PASSED: "It was tried out in a process of its own, and passed.",
        Trust.UNTRIED: "Its header is sound; it has not been tried out yet.",
        Trust.REFUSED: gate.cause or "It was refused.",
    }[gate.trust]


def list_words(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1] if words else "")))


def counted(count: int, noun: str) -> str:
    """`1 model`, `2 models`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
