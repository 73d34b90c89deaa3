"""Making a context for a model that is larger than its memory, and the pager that goes with it."""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.backends.base import LoadOptions, LoadProgress
from engine.backends.llama.cells import PAGED_RESERVE_BYTES, paged_parking_bytes
from engine.backends.llama.opening import open_decode_context
from engine.backends.llama.paging.context import PagedContext
from engine.backends.llama.paging.mappings import mapped_at
from engine.backends.llama.paging.pager import Pager
from engine.backends.llama.paging.pages import open_pages
from engine.backends.llama.paging.watch import LayerWatch
from engine.backends.llama.weights import Weights, free_memory_bytes
from engine.errors import EngineError, OutOfMemoryError
from engine.models.page_plan import PagePlan, WeightLayout, layout_of, plan_pages

log = logging.getLogger(__name__)


class MappedFiles:
    """The files of a model about to be opened, to find out afterwards where llama.cpp has mapped them."""

    def __init__(self, path: Path) -> None:
        """Look at what is mapped before.

        Raises:
            ModelFileError: the file is damaged.
        """
        self.layout: WeightLayout | None = layout_of(path)
        self._before = [mapped_at(file) for file in self.layout.files] if self.layout else []

    def bases(self) -> dict[int, int]:
        """By number of the file, where its first byte is; what cannot be told is left out."""
        found: dict[int, int] = {}
        for number, file in enumerate(self.layout.files if self.layout else ()):
            new = mapped_at(file) - self._before[number]
            if len(new) == 1:
                found[number] = next(iter(new))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class PagedRequest:
    """What a paged load is about.

    Attributes:
        weights: opened, memory-mapped.
        options: how; how much memory it may take.
        files: looked at before the weights were opened.
        self_check: why paging cannot be trusted with this llama.cpp; empty if it can.
    """

    weights: Weights
    options: LoadOptions
    files: MappedFiles
    self_check: Callable[[], str]


def open_paged_context(request: PagedRequest, vocabulary_size: int, progress: LoadProgress) -> tuple[PagedContext, int]:
    """Make a context whose layers wait for their weights; if that is impossible, one that leaves it to the system.

    Args:
        request: the load.
        vocabulary_size: of the model.
        progress: told how much of what stays is in memory.

    Returns:
        The context, and the longest prompt plus answer that one request may have.

    Raises:
        OutOfMemoryError: not even what must be in memory at once fits.
        EngineError: `progress` cancelled it.
    """
    weights, watch = request.weights, LayerWatch()
    mapped_bytes = weights.memory_bytes
    context, tokens = open_decode_context(
        weights, request.options, vocabulary_size, kind=PagedContext, watch=watch.callback, drafts=True
    )
    assert isinstance(context, PagedContext)
    with contextlib.ExitStack() as undo:
        undo.callback(context.free)
        kv_bytes = context.kv.cells * weights.kv_bytes_per_token
        spent = weights.memory_bytes - mapped_bytes + paged_parking_bytes(kv_bytes) + PAGED_RESERVE_BYTES
        room = free_memory_bytes(request.options) - spent
        fault = _fault(request, watch, context)
        if fault:
            log.warning("%s is paged by the system: %s", weights.info.id, fault)
            context.attach(watch, None, fault)
            weights.memory_bytes += max(0, min(room, mapped_bytes)) - mapped_bytes  # what the cache may come to hold
        else:
            plan = _plan(request, room, spent)
            context.attach(watch, _open_pager(request, plan, progress))
            weights.memory_bytes += plan.memory_bytes - mapped_bytes
        undo.pop_all()
    return context, tokens


def _fault(request: PagedRequest, watch: LayerWatch, context: PagedContext) -> str:
    """Why Hearth cannot page it, in one sentence; empty if it can."""
    layout = request.files.layout
    if layout is None:
        return "Its layers do not lie one behind the other in the file."
    if len(request.files.bases()) < len(layout.files):
        return "It cannot be told where llama.cpp has mapped it."
    if not watch.can_follow(context.handle, len(layout.layers), 0):
        return "llama.cpp does not compute its layers one after the other."
    return request.self_check()


def _plan(request: PagedRequest, room_bytes: int, spent_bytes: int) -> PagePlan:
    assert request.files.layout is not None
    plan = plan_pages(request.files.layout, room_bytes)
    if plan is None:
        available = free_memory_bytes(request.options)
        raise OutOfMemoryError(
            f"{request.weights.info.name} does not fit even with paging: {available / 1e9:.1f} GB are allowed, of "
            f"which its context takes {spent_bytes / 1e9:.1f} GB.",
            "Allow it more memory, or load it with a smaller context.",
        )
    return plan


def _open_pager(request: PagedRequest, plan: PagePlan, progress: LoadProgress) -> Pager:
    name = request.weights.info.name
    assert request.files.layout is not None
    try:
        pages = open_pages(request.files.layout.files, request.files.bases())
        pager = Pager(plan, pages)
        with contextlib.ExitStack() as undo:
            undo.callback(pager.close)
            if not pager.pin(progress):
                raise EngineError(f"Loading {name} was cancelled.")
            pager.meter.predicted_tokens_per_s = request.options.predicted_tokens_per_s
            pager.start()
            undo.pop_all()
    except OSError as error:
        raise OutOfMemoryError(
            f"{plan.pinned_bytes / 1e9:.1f} GB of {name} cannot be kept in memory: {error.strerror or error}.",
            "Allow it less memory, or close other programs.",
        ) from error
    return pager
