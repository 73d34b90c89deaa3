"""Frozen values about answers that need not be computed twice. Import them from `engine`, or from `engine.types`."""

from dataclasses import dataclass
from enum import StrEnum


class CacheUse(StrEnum):
    """How a request uses the cache of answers."""

    AUTO = "auto"  # take and keep what is repeatable: greedy, or with a seed
    REPLAY = "replay"  # take and keep an equal request's answer, also one that was drawn by chance
    FRESH = "fresh"  # compute anew, and keep the answer in place of an older one
    OFF = "off"  # neither take nor keep


class CacheTier(StrEnum):
    """Where an answer was found."""

    MEMORY = "memory"
    DISK = "disk"
    FLIGHT = "flight"  # it was being computed for an equal request


@dataclass(frozen=True, slots=True, kw_only=True)
class Cached:
    """Says of a result that it was not computed for this request.

    Attributes:
        tier: where it was found.
        stored_at: when it was computed, in seconds since 1970.
        saved_s: seconds that computing it took then.
    """

    tier: CacheTier
    stored_at: float
    saved_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheTierInfo:
    """One tier of a cache.

    Attributes:
        entries: in it.
        size_bytes: what they take.
        limit_bytes: most that they may take; 0 if it is off.
        hits: since the engine was opened.
    """

    entries: int
    size_bytes: int
    limit_bytes: int
    hits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheInfo:
    """The caches of an engine, as plain numbers.

    Attributes:
        memory: answers in memory.
        disk: answers on disk.
        prefixes: read beginnings of prompts (KV) on disk.
        lookups: requests that looked for an answer since the engine was opened.
        hits: of these, those that found one, in a tier or in flight.
        saved_s: seconds that computing what was found had taken.
        prefix_tokens: prompt tokens that were not read again, since the engine was opened, thanks to what was kept.
        trouble: why the disk is not used just now, in one sentence; empty if it is.
    """

    memory: CacheTierInfo
    disk: CacheTierInfo
    prefixes: CacheTierInfo
    lookups: int = 0
    hits: int = 0
    saved_s: float = 0.0
    prefix_tokens: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the engine may take, as it can be changed while it is open.

    Attributes:
        memory_budget_bytes: most memory of the machine that all models together may take; None takes what is free.
        cache_memory_bytes: most memory for answers; 0 keeps none there.
        cache_disk_bytes: most disk for answers; 0 keeps none there.
        prefix_disk_bytes: most disk for the KV of prompts; 0 keeps none there.
    """

    memory_budget_bytes: int | None
    cache_memory_bytes: int
    cache_disk_bytes: int
    prefix_disk_bytes: int
