"""Pager: reads the chunks of a model ahead of the layers that need them, in circles, through a few buffers."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from engine.backends.llama.paging.meter import PagingMeter
from engine.backends.llama.paging.pages import Pages
from engine.errors import EngineError
from engine.models.page_plan import PIECE_BYTES, READERS, PagePlan, Span

log = logging.getLogger(__name__)


class Pager:
    """The streamed part of one model's weights.

    A chunk is *absent*, *coming* or *ready*. When a layer has computed, its buffer is free, and goes to the next chunk
    in the circle that is absent; so the readers never wait while there is a buffer, and a layer waits only for its own.

    Attributes:
        plan: what stays and what streams.
        meter: what it costs.

    Thread: `reached`, `begin_step` and `end_step` on the lane; `close` once nobody computes. Reading is done on
    `hearth-pages`.
    """

    def __init__(self, plan: PagePlan, pages: Pages) -> None:
        """Make one that reads nothing yet.

        Args:
            plan: what stays and what streams.
            pages: of the model; closed with the pager.
        """
        self.plan = plan
        self.meter = PagingMeter(plan)
        self._pages = pages
        self._circle = [layer for layer, chunk in enumerate(plan.chunks) if chunk is not None]
        self._next = 0  # in the circle; guarded by _changed, like all below
        self._free: list[int | None] = [None] * plan.buffers  # layers whose buffer is free; None: one never used
        self._pieces: deque[tuple[int, Span]] = deque()
        self._missing: dict[int, int] = {}  # pieces of the chunks that come
        self._ready: set[int] = set()
        self._error: OSError | None = None
        self._is_closed = False
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []

    def pin(self, progress: Callable[[float], bool]) -> bool:
        """Pin what stays and empty what streams; False if `progress` cancelled it.

        What lies last in the file comes first: llama.cpp has read all of it from the front, so that is what the
        system's cache still holds, and pinning it makes room before the rest is read again.

        Raises:
            OSError: there is not enough memory, or the file cannot be read.
        """
        self._pages.empty([*self.plan.pinned, *(chunk for chunk in self.plan.chunks if chunk is not None)])
        pieces = _backwards(self.plan.pinned)
        with ThreadPoolExecutor(READERS, thread_name_prefix="hearth-pages") as pool:
            for number, _ in enumerate(pool.map(self._pages.pin, pieces), 1):
                if not progress(number / len(pieces)):
                    pool.shutdown(cancel_futures=True)
                    return False
        return True

    def start(self) -> None:
        """Begin to read."""
        for _ in range(READERS if self._circle else 0):
            thread = threading.Thread(target=self._run, name="hearth-pages", daemon=True)
            thread.start()
            self._threads.append(thread)

    def watches(self, layer: int) -> bool:
        """Whether it must be told when this layer has computed."""
        chunks = self.plan.chunks
        return chunks[layer] is not None or (layer + 1 < len(chunks) and chunks[layer + 1] is not None)

    def begin_step(self) -> None:
        """Wait until the first layer can compute.

        Raises:
            EngineError: the disk failed.
        """
        self.meter.begin_step()
        self._wait_for(0)
        self._raise_error()

    def reached(self, layer: int) -> bool:
        """Note that a layer has computed, and wait until the next one can; False if it never can."""
        if self.plan.chunks[layer] is not None:
            with self._changed:
                self._ready.discard(layer)
                self._free.append(layer)
                self._changed.notify_all()
        return layer + 1 >= len(self.plan.chunks) or self._wait_for(layer + 1)

    def end_step(self) -> None:
        """Note that all layers have computed.

        Raises:
            EngineError: the disk failed meanwhile; what was computed is not to be trusted.
        """
        self._raise_error()
        self.meter.end_step()

    def close(self) -> None:
        """Stop reading, and wait until the threads have ended. Safe to call twice."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []
        self._pages.close()

    def _wait_for(self, layer: int) -> bool:
        if self.plan.chunks[layer] is None:
            return True
        with self._changed:
            if layer not in self._ready and self._error is None:
                with self.meter.waiting():
                    self._changed.wait_for(lambda: layer in self._ready or self._error is not None)
            return self._error is None

    def _raise_error(self) -> None:
        if self._error is not None:
            raise EngineError(f"The model's file cannot be read: {self._error}.", "Check the disk, and ask again.")

    def _run(self) -> None:
        try:
            while (work := self._take()) is not None:
                layer, piece, source = work
                if piece is None:
                    self._begin(layer, source)
                else:
                    self._fill(layer, piece)
        except OSError as error:
            log.warning("reading weights ahead failed: %s", error)
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _take(self) -> tuple[int, Span | None, int | None] | None:
        """The next piece to read, or else the next chunk to begin with the buffer of a layer; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._error or self._pieces or self._free)
            if self._is_closed or self._error:
                return None
            if self._pieces:
                return (*self._pieces.popleft(), None)
            layer = self._circle[self._next]
            self._next = (self._next + 1) % len(self._circle)
            return layer, None, self._free.pop(0)

    def _begin(self, layer: int, source: int | None) -> None:
        """Give a chunk its buffer, and say what is to be read."""
        chunk = self._chunk(layer)
        self._pages.move(None if source is None else self._chunk(source), chunk)
        pieces = [
            Span(chunk.file, start, min(start + PIECE_BYTES, chunk.end))
            for start in range(chunk.start, chunk.end, PIECE_BYTES)
        ]
        with self._changed:
            self._missing[layer] = len(pieces)
            self._pieces.extend((layer, piece) for piece in pieces)
            self._changed.notify_all()

    def _fill(self, layer: int, piece: Span) -> None:
        with self.meter.reading(piece.size_bytes):
            self._pages.fill(self._chunk(layer).start, piece)
        with self._changed:
            self._missing[layer] -= 1
            if not self._missing[layer]:
                del self._missing[layer]
                self._ready.add(layer)
                self._changed.notify_all()

    def _chunk(self, layer: int) -> Span:
        chunk = self.plan.chunks[layer]
        assert chunk is not None
        return chunk


def _backwards(spans: tuple[Span, ...]) -> list[Span]:
    """Spans cut into pieces, the last one first."""
    return [
        Span(span.file, start, min(start + 2 * PIECE_BYTES, span.end))
        for span in reversed(spans)
        for start in reversed(range(span.start, span.end, 2 * PIECE_BYTES))
    ]
