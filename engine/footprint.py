"""Frozen values about the memory that models take. Import them from `engine`, or from `engine.types`."""

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class PagingInfo:
    """How the weights of a model that is larger than its memory come and go.

    Attributes:
        pinned_bytes: weights that stay in memory.
        streamed_bytes: weights that are read from disk in every step.
        buffer_bytes: memory that the streamed ones pass through.
        bytes_per_token: read from disk for each token, lately; 0 before the first.
        disk_share: of the time of its steps, lately, the share in which it waited for the disk, in [0, 1].
        tokens_per_s: lately, all sequences together; 0 before the first.
        sweep_s: seconds in which the disk alone reads the streamed weights once; 0 before the first time.
        predicted_tokens_per_s: for one sequence, as it was predicted before it was loaded; 0 if that was unknown.
        note: why it is not paged by Hearth but by the system, in one sentence; empty if Hearth does.
    """

    pinned_bytes: int
    streamed_bytes: int
    buffer_bytes: int
    bytes_per_token: float = 0.0
    disk_share: float = 0.0
    tokens_per_s: float = 0.0
    sweep_s: float = 0.0
    predicted_tokens_per_s: float = 0.0
    note: str = ""


class Fit(StrEnum):
    """Whether a model can be used in the memory that there is."""

    FITS = "fits"
    PAGING = "paging"  # with a part of its weights read from disk in every step
    NO = "no"


@dataclass(frozen=True, slots=True)
class FitLine:
    """One part of what a model takes: `Weights`, `KV cache`, ..., its bytes, and how that was counted."""

    name: str
    size_bytes: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FitVerdict:
    """Whether a model fits, line by line.

    Attributes:
        fit: the verdict.
        sentence: the verdict as people say it, with its numbers.
        lines: what it takes.
        needed_bytes: sum of the lines.
        budget_bytes: what it may take: free, or can be freed.
        budget_reason: where the budget comes from.
        context_tokens: longest prompt plus answer that this is for.
        tokens_per_s: predicted for one sequence; None if nothing is known of this machine's speed.
        pinned_bytes: weights that would stay in memory if it is paged, else 0.
        streamed_bytes: weights that would be read in every step if it is paged, else 0.
        remedies: what would make it fit, or make it faster, a sentence each; the best first.
        is_corrected: whether a measured load of this architecture corrected the estimate.
    """

    fit: Fit
    sentence: str
    lines: tuple[FitLine, ...]
    needed_bytes: int
    budget_bytes: int
    budget_reason: str
    context_tokens: int
    tokens_per_s: float | None = None
    pinned_bytes: int = 0
    streamed_bytes: int = 0
    remedies: tuple[str, ...] = ()
    is_corrected: bool = False
