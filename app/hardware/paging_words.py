"""What is said about a model whose weights come and go."""

from dataclasses import dataclass
from typing import Final

from app.hardware.summary import speed_words
from app.usage import GIB, NBSP, gigabytes, percent
from engine import LoadedModelInfo, PagingInfo

_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PagingPart:
    """A part of a paged model: what it is, its bytes, the colour of its part of the bar."""

    name: str
    size_bytes: int
    role: str


def paging_parts(paging: PagingInfo) -> tuple[PagingPart, ...]:
    """Weights that stay, what the others pass through, and those that come and go."""
    return (
        PagingPart("in memory", paging.pinned_bytes, "chart-1"),
        PagingPart("buffers", paging.buffer_bytes, "chart-4"),
        PagingPart("from disk", paging.streamed_bytes, "chart-6"),
    )


def part_words(part: PagingPart) -> str:
    """Such as `in memory 5.6 GB`."""
    return f"{part.name} {size_words(part.size_bytes)}"


def speed_of(paging: PagingInfo) -> str:
    """How fast it is and was predicted to be: `0.9 tok/s, predicted 1.0`; empty if neither is known."""
    predicted = speed_words(paging.predicted_tokens_per_s) if paging.predicted_tokens_per_s else ""
    if not paging.tokens_per_s:
        return f"predicted {predicted}" if predicted else ""
    now = speed_words(paging.tokens_per_s)
    return f"{now}, predicted {predicted.partition(NBSP)[0]}" if predicted else now


def paging_sentence(entry: LoadedModelInfo, paging: PagingInfo) -> tuple[str, str]:
    """What stays and what is read: first what matters, then the rest.

    Args:
        entry: the model.
        paging: how its weights come and go.
    """
    whole = paging.pinned_bytes + paging.streamed_bytes
    lead = f"{gigabytes(paging.pinned_bytes)} of {gigabytes(whole)}{NBSP}GB stay in memory;"
    if whole < GIB:
        lead = f"{paging.pinned_bytes / _MIB:.0f} of {whole / _MIB:.0f}{NBSP}MB stay in memory;"
    if not paging.bytes_per_token:
        rest = f"{size_words(paging.streamed_bytes)} are read from the disk in every step."
        return lead, rest
    share = percent(paging.disk_share)
    read = size_words(paging.bytes_per_token)
    return lead, f"{read} are read from the disk per token, and {share} of the time is spent waiting for it."


def size_words(size_bytes: float) -> str:
    """Gigabytes, or megabytes below one."""
    if size_bytes < 0.9995 * GIB:
        return f"{size_bytes / _MIB:,.0f}{NBSP}MB"
    return f"{gigabytes(size_bytes)}{NBSP}GB"
