"""Words and numbers of the page; plain values, without Qt."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.usage import GIB, NBSP, UNKNOWN, gigabytes, limit_gigabytes
from engine import CacheInfo, LoadedModelInfo
from engine.hardware import HardwareSnapshot

MEGABYTE: Final = 1_000_000
GIGABYTE: Final = 1_000_000_000
KIB: Final = 1 << 10
MIB: Final = 1 << 20
_MODEL_ROLES: Final = ("chart-1", "chart-2", "chart-3", "chart-4")
_WORTH_A_ROW: Final = 8 * MIB  # of kept answers
_MINUTE, _HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Holding:
    """Who holds how much of the machine's memory.

    Attributes:
        name: who.
        size_bytes: how much.
        role: colour of its part of the bar.
    """

    name: str
    size_bytes: int
    role: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its title, and what stands behind it."""

    title: str
    words: str
    tip: str


def disk_words(size_bytes: float) -> str:
    """A size on disk in the unit that fits: `420 kB`, `310 MB`, `1.2 GB`."""
    if size_bytes < MEGABYTE:
        return f"{size_bytes / 1000:,.0f}{NBSP}kB"
    if size_bytes < 0.9995 * GIGABYTE:
        return f"{size_bytes / MEGABYTE:,.0f}{NBSP}MB"
    return f"{size_bytes / GIGABYTE:,.1f}{NBSP}GB"


def memory_words(size_bytes: float) -> str:
    """A size in memory in the unit that fits: `41 kB`, `12 MB`, `1.2 GB`."""
    if 0 < size_bytes < 0.9995 * MIB:
        return f"{size_bytes / KIB:,.0f}{NBSP}kB"
    if size_bytes < 0.9995 * GIB:
        return f"{size_bytes / MIB:,.0f}{NBSP}MB"
    return f"{gigabytes(size_bytes)}{NBSP}GB"


def duration_words(seconds: float) -> str:
    """A length of time in at most two units: `4.2 s`, `4 min 12 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f}{NBSP}s" if seconds else f"0{NBSP}s"
    if seconds < _MINUTE:
        return f"{seconds:.0f}{NBSP}s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)}{NBSP}min {int(seconds % _MINUTE)}{NBSP}s"
    return f"{int(seconds // _HOUR):,}{NBSP}h {int(seconds % _HOUR // _MINUTE)}{NBSP}min"


def counted(count: int, what: str) -> str:
    """A number of things: `1 answer`, `214 answers`."""
    return f"{count:,}{NBSP}{what}{'' if count == 1 else 's'}"


def budget_words(budget_bytes: int | None, hardware: HardwareSnapshot) -> str:
    """What a budget means.

    Args:
        budget_bytes: what was set; None for what is free.
        hardware: the machine as it is now.
    """
    if budget_bytes is None:
        free = f"{limit_gigabytes(hardware.memory_budget_bytes)}{NBSP}GB"
        first = f"Models may take what other programs leave free, {free} just now."
    else:
        first = f"All models together may take {limit_gigabytes(budget_bytes)}{NBSP}GB."
    return f"{first} Of a model that is larger, the rest is read from the disk for every token, which is slower."


def squeeze_words(budget_bytes: int | None, hardware: HardwareSnapshot) -> str:
    """A warning where a budget is more than other programs leave; empty where it is not."""
    latest = hardware.latest
    if budget_bytes is None or latest is None:
        return ""
    others = max(0, latest.memory_used_bytes - latest.memory_ours_bytes)
    room = max(0, hardware.memory_bytes - others)
    if budget_bytes <= room:
        return ""
    return (
        f"Other programs use {gigabytes(others)}{NBSP}GB now, so {gigabytes(room)}{NBSP}GB can be had. "
        "Models that take more slow everything down."
    )


def holdings(hardware: HardwareSnapshot, loaded: Sequence[LoadedModelInfo], cache: CacheInfo) -> tuple[Holding, ...]:
    """Who holds the memory that is used: the models, the largest first, kept answers, the rest of Hearth, others."""
    models = sorted(
        ((entry.info.id, max(0, entry.memory_bytes - entry.device_bytes)) for entry in loaded),
        key=lambda entry: -entry[1],
    )
    most = len(_MODEL_ROLES)
    if len(models) > most:
        rest = models[most - 1 :]
        models = [*models[: most - 1], (f"{len(rest)} more models", sum(size for _, size in rest))]
    held = [Holding(name, size, role) for (name, size), role in zip(models, _MODEL_ROLES, strict=False)]
    if cache.memory.size_bytes >= _WORTH_A_ROW:
        held.append(Holding("Kept answers", cache.memory.size_bytes, "chart-5"))
    latest = hardware.latest
    if latest is not None:
        known = sum(holding.size_bytes for holding in held)
        held.append(Holding("Hearth itself", max(0, latest.memory_ours_bytes - known), "chart-6"))
        held.append(Holding("Other programs", max(0, latest.memory_used_bytes - latest.memory_ours_bytes), "chart-8"))
    return tuple(held)


def answer_figures(cache: CacheInfo) -> tuple[Figure, ...]:
    """What the cache of answers is worth."""
    kept = max(cache.memory.entries, cache.disk.entries)
    tip = f"{counted(cache.memory.entries, 'answer')} in memory, {counted(cache.disk.entries, 'answer')} on disk"
    share = f"{cache.hits / cache.lookups * 100:.0f}{NBSP}%" if cache.lookups else UNKNOWN
    found = f"{cache.hits:,} of {counted(cache.lookups, 'question')} since Hearth was opened"
    return (
        Figure("Kept", counted(kept, "answer"), tip),
        Figure("Found again", share, found if cache.lookups else "nothing has been asked since Hearth was opened"),
        Figure("Saved", duration_words(cache.saved_s), "time that computing them again would have taken"),
    )


def prompt_figures(cache: CacheInfo) -> tuple[Figure, ...]:
    """What the cache of prompts is worth."""
    return (
        Figure("Kept", counted(cache.prefixes.entries, "prompt"), "beginnings of prompts, as models have read them"),
        Figure("Not read again", counted(cache.prefix_tokens, "token"), "since Hearth was opened"),
    )
