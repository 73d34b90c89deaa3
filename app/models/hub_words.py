"""Words about models that are not here yet, and about what strangers wrote of them; plain values, without Qt."""

import re
import unicodedata
from typing import Final

from app.models.words import GIGA, KILO, MEGA, FitLook, count_words, fit_look, licence_words, size_words
from app.usage import NBSP
from engine import Fit, HubFile, HubModel, Sort

_LONGEST: Final = 2_000  # characters of one text that a stranger wrote
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400

TASKS: Final = {
    "chat": "Chat",
    "code": "Code",
    "summarize": "Summaries",
    "embed": "Search by meaning",
    "classify": "What a picture shows",
    "detect": "Things in a picture",
    "read-text": "Text in a picture",
}
"""What models are good for, in words, by what a search calls it."""
_LICENCES: Final = {
    "gemma": "Gemma terms",
    "llama3": "Llama 3",
    "llama3.1": "Llama 3.1",
    "llama3.2": "Llama 3.2",
    "llama3.3": "Llama 3.3",
    "other": "Its own licence",
    "bsd-3-clause": "BSD 3-Clause",
    "cc-by-sa-4.0": "CC BY-SA 4.0",
    "cc-by-nc-4.0": "CC BY-NC 4.0, not for business",
}
_BITS: Final = re.compile(r"(?:^|[^A-Z0-9])(?:I?Q|INT|UINT|W)(\d)|(?:BF|FP|F)(16|32)", re.IGNORECASE)
_QUALITY: Final = {
    1: "Poor",
    2: "Weak",
    3: "Fair",
    4: "Good",
    5: "Very good",
    6: "Excellent",
    8: "Full",
    16: "Original",
    32: "Original",
}
SORTS: Final = {Sort.DOWNLOADS: "Most downloaded", Sort.LIKES: "Most liked", Sort.NEWEST: "Newest"}
"""Orders of what is found, in words."""

UNJUDGED: Final = FitLook("info", "neutral", "Not known yet")
"""Of a model whose files are not known yet."""


def clean(text: str) -> str:
    """A stranger's text without characters that hide or turn round what stands beside them, and of bounded length."""
    kept = "".join(c if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"} else " " for c in text)
    return kept if len(kept) <= _LONGEST else f"{kept[:_LONGEST]}…"


def line(text: str) -> str:
    """The same in one line."""
    return " ".join(clean(text).split())


def part_words(done: float, total: float) -> str:
    """A part of a size, with the unit once and as exact as the whole: `1.46 of 2.39 GB`, `3.1 of 8.5 MB`."""
    unit = KILO if total < 0.9995 * MEGA else MEGA if total < 0.9995 * GIGA else GIGA
    return f"{done / unit:,.{_decimals(total)}f} of {size_words(total)}"


def rate_words(bytes_per_s: float) -> str:
    """Bytes a second: `31 MB/s`."""
    if bytes_per_s >= GIGA:
        return f"{bytes_per_s / GIGA:.1f}{NBSP}GB/s"
    if bytes_per_s >= 9.95 * MEGA:
        return f"{bytes_per_s / MEGA:.0f}{NBSP}MB/s"
    if bytes_per_s >= 0.1 * MEGA:
        return f"{bytes_per_s / MEGA:.1f}{NBSP}MB/s"
    return f"{bytes_per_s / KILO:.0f}{NBSP}kB/s"


def left_words(seconds: float) -> str:
    """A time that is left: `30 s`, `4 min`, `2 h 5 min`."""
    if seconds < 1.5 * _MINUTE:
        return f"{max(1, round(seconds))}{NBSP}s"
    if seconds < _HOUR:
        return f"{round(seconds / _MINUTE)}{NBSP}min"
    if seconds < 2 * _DAY:
        hours, minutes = divmod(round(seconds / _MINUTE), 60)
        return f"{hours}{NBSP}h {minutes}{NBSP}min" if minutes else f"{hours}{NBSP}h"
    return f"{round(seconds / _DAY)}{NBSP}days"


def stated_licence(licence: str) -> str:
    """A licence's usual name; what is not known is shown as its author writes it."""
    said = line(licence)
    return _LICENCES.get(said.casefold()) or licence_words(said) or "Licence not stated"


def task_words(task: str) -> str:
    """What a model is good for."""
    said = line(task)
    return TASKS.get(said, said.replace("-", " ").replace("_", " ").capitalize())


def hub_fit_look(file: HubFile | None) -> FitLook:
    """How it is shown whether a file fits; paged ones say their speed."""
    if file is None or file.fit is None:
        return UNJUDGED
    return fit_look(file.fit, file.tokens_per_s)


def short_fit_words(file: HubFile) -> str:
    """The same where there is little room."""
    return {Fit.FITS: "Fits", Fit.PAGING: "Paging", Fit.NO: "Too big", None: "Unknown"}[file.fit]


def bits_of(file: HubFile) -> int | None:
    """Bits of a weight, by the name of its quantization."""
    found = _BITS.search(file.quantization)
    return int(found[1] or found[2]) if found else None


def quality_words(file: HubFile) -> str:
    """What is left of a model's quality in a file, by the name of its quantization; empty if that is unknown."""
    bits = bits_of(file)
    if bits is None:
        return ""
    return _QUALITY[max(known for known in _QUALITY if known <= max(1, bits))]


def short_name(file: HubFile) -> str:
    """What a file is called beside others of the same model: its quantization, else its name."""
    return line(file.quantization) or line(file.name.rpartition("/")[2])


def name_of(model: HubModel) -> str:
    """What a model is called."""
    return line(model.name) or line(model.repo)


def facts_of(model: HubModel) -> str:
    """What is worth knowing beside the name: `7.6 B · Apache 2.0`."""
    return " · ".join(
        filter(None, (count_words(model.parameters) if model.parameters else "", stated_licence(model.licence)))
    )


def file_of(model: HubModel, name: str = "") -> HubFile | None:
    """A file of a model by its name; without one, the recommended one, else the smallest; None if none is known."""
    wanted = name or model.recommended
    return next((file for file in model.files if file.name == wanted), model.files[0] if model.files else None)


def downloads_words(count: int) -> str:
    """How often it was fetched: `1.2 M downloads`, `812 downloads`."""
    return f"{count_words(count)} downloads" if count >= 10_000 else f"{count:,} downloads"


def _decimals(size_bytes: float) -> int:
    """As many as `size_words` shows."""
    number = size_words(size_bytes).partition(NBSP)[0]
    return len(number.partition(".")[2])
