"""Which weights of a model stay in memory and which are read from disk in every step, if it does not fit as a whole.

Only arithmetic, from the file's header. Every step walks all layers in the same order, so a cache that drops what was
used longest ago drops exactly what is needed next. Therefore the same number of bytes is taken from every layer (a
*chunk*): it passes through a few *buffers*, read ahead while the layers before it compute; everything else is pinned.
Chunks of equal size, spread over all layers, let the disk read evenly, and keep the buffers small.
"""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.models.gguf import GgufHeader, read_header
from engine.models.gguf_info import split_count
from engine.models.split_files import later_parts
from engine.models.tensor_names import EMBEDDING, HEAD, LAYER, LOOKED_UP

PAGE_BYTES: Final = 4096
"""Chunks begin and end at a multiple of this, so that they can be read past the system's cache."""
BUFFERS: Final = 3
"""One that a layer computes with, one that is full, one that is being read."""
READERS: Final = 2
"""Threads that read ahead; as many read where the disk's speed is measured."""
PIECE_BYTES: Final = 8 << 20
"""Read at once by one thread: large enough for a disk's full speed, small enough that two share a chunk."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Bytes of a file, from `start` up to `end`."""

    file: int
    start: int
    end: int

    @property
    def size_bytes(self) -> int:
        """How many."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class WeightLayout:
    """Where the weights of a model lie.

    Attributes:
        files: of the model; several if it is split.
        layers: in the order in which they compute.
        others: what every step needs beside the layers, such as the output head.
        looked_up: tables of which a step reads single rows.
    """

    files: tuple[Path, ...]
    layers: tuple[Span, ...]
    others: tuple[Span, ...]
    looked_up: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class PagePlan:
    """What stays and what streams.

    Attributes:
        pinned: stays in memory; whole pages, which may hold a little of their neighbours.
        chunks: is read in every step: by layer, a span, or None where the whole layer is pinned. All are equally long.
        chunk_bytes: length of each.
        buffers: chunks that are in memory at once.
    """

    pinned: tuple[Span, ...]
    chunks: tuple[Span | None, ...]
    chunk_bytes: int
    buffers: int

    @property
    def pinned_bytes(self) -> int:
        """Memory for what stays."""
        return sum(span.size_bytes for span in self.pinned)

    @property
    def streamed_bytes(self) -> int:
        """Read from disk in every step."""
        return self.chunk_bytes * sum(chunk is not None for chunk in self.chunks)

    @property
    def buffer_bytes(self) -> int:
        """Memory that the chunks pass through."""
        return self.chunk_bytes * self.buffers

    @property
    def memory_bytes(self) -> int:
        """Memory for all of it."""
        return self.pinned_bytes + self.buffer_bytes


def layout_of(path: Path) -> WeightLayout | None:
    """Find out where the weights of a GGUF file lie; None if its layers are not stored one behind the other.

    Raises:
        ModelNotFoundError: a file is missing.
        ModelFileError: one is damaged.
    """
    header = read_header(path)
    files = (path, *later_parts(path, split_count(header)))
    return layout_of_headers(files, (header, *(read_header(part) for part in files[1:])))


def layout_of_headers(files: tuple[Path, ...], headers: Sequence[GgufHeader]) -> WeightLayout | None:
    """The same for files whose headers were read; they need not be there.

    Args:
        files: of the model, in their order.
        headers: of these.
    """
    layers: dict[int, list[Span]] = {}
    others: list[Span] = []
    looked_up: list[Span] = []
    parts = [header.tensors for header in headers]
    has_head = any(tensor.name == HEAD for tensors in parts for tensor in tensors)
    for number, tensors in enumerate(parts):
        for tensor in tensors:
            span = Span(number, tensor.offset, tensor.offset + tensor.size_bytes)
            if match := LAYER.match(tensor.name):
                layers.setdefault(int(match[1]), []).append(span)
            elif tensor.name in LOOKED_UP and (has_head or tensor.name != EMBEDDING):
                looked_up.append(span)
            else:
                others.append(span)
    joined = [_joined(layers[number]) for number in sorted(layers)]
    if len(joined) < 2 or sorted(layers) != list(range(len(joined))) or not _are_apart(joined):
        return None
    return WeightLayout(files, tuple(span for span in joined if span), tuple(others), tuple(looked_up))


def plan_pages(layout: WeightLayout, room_bytes: int) -> PagePlan | None:
    """Pin as much as fits; None if not even the buffers do.

    Args:
        layout: of the model.
        room_bytes: memory for weights.
    """
    largest = max(_whole_pages(span).size_bytes for span in layout.layers)
    low, high = 0, largest // PAGE_BYTES
    if _plan(layout, high * PAGE_BYTES).memory_bytes > room_bytes:
        least = least_plan(layout)
        if least.memory_bytes > room_bytes:
            return None
        high = least.chunk_bytes // PAGE_BYTES
    while low < high:  # the shortest chunk that fits; what it takes falls as chunks grow, up to the smallest layer
        middle = (low + high) // 2
        if _plan(layout, middle * PAGE_BYTES).memory_bytes <= room_bytes:
            high = middle
        else:
            low = middle + 1
    return _plan(layout, high * PAGE_BYTES)


def least_plan(layout: WeightLayout) -> PagePlan:
    """The plan that takes the least memory: the largest chunks, but for layers smaller than these, which are pinned."""
    sizes = sorted({_whole_pages(span).size_bytes for span in layout.layers})
    return min((_plan(layout, size) for size in sizes), key=lambda plan: plan.memory_bytes)


def _plan(layout: WeightLayout, chunk_bytes: int) -> PagePlan:
    chunks: list[Span | None] = []
    pinned = list(layout.others)
    for layer in layout.layers:
        whole = _whole_pages(layer)
        if chunk_bytes == 0 or whole.size_bytes < chunk_bytes:
            chunks.append(None)
            pinned.append(layer)
            continue
        chunk = Span(layer.file, whole.end - chunk_bytes, whole.end)
        chunks.append(chunk)
        pinned += [Span(layer.file, layer.start, chunk.start), Span(layer.file, chunk.end, layer.end)]
    count = sum(chunk is not None for chunk in chunks)
    if chunk_bytes and count < 2:  # what there is one of comes and goes from nowhere: all of it stays
        return _plan(layout, 0)
    buffers = min(BUFFERS, count - 1) if count else 0
    return PagePlan(tuple(_merged(pinned)), tuple(chunks), chunk_bytes if buffers else 0, buffers)


def _whole_pages(span: Span) -> Span:
    """The pages that hold nothing but this."""
    start = -(-span.start // PAGE_BYTES) * PAGE_BYTES
    return Span(span.file, start, max(start, span.end // PAGE_BYTES * PAGE_BYTES))


def _merged(spans: Iterable[Span]) -> list[Span]:
    """The same, on whole pages, and those that touch as one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if not span.size_bytes:
            continue
        start = span.start // PAGE_BYTES * PAGE_BYTES
        end = -(-span.end // PAGE_BYTES) * PAGE_BYTES
        if merged and merged[-1].file == span.file and start <= merged[-1].end:
            merged[-1] = Span(span.file, merged[-1].start, max(merged[-1].end, end))
        else:
            merged.append(Span(span.file, start, end))
    return merged


def _joined(spans: list[Span]) -> Span | None:
    """One span over all; None if they are in several files."""
    if len({span.file for span in spans}) != 1:
        return None
    return Span(spans[0].file, min(span.start for span in spans), max(span.end for span in spans))


def _are_apart(spans: list[Span | None]) -> bool:
    """Whether there is one of each, and none reaches into another."""
    known = sorted(span for span in spans if span is not None)
    pairs = itertools.pairwise(known)
    return len(known) == len(spans) and all(a.file != b.file or a.end <= b.start for a, b in pairs)
