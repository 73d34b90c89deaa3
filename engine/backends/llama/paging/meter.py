"""PagingMeter: what paging costs, as plain numbers."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from engine.footprint import PagingInfo
from engine.models.page_plan import READERS, PagePlan

_STEPS: Final = 16  # lately
_NEWEST: Final = 0.05  # share of the newest piece in the average


class PagingMeter:
    """Counts bytes, waits and tokens of the last steps.

    Thread: `reading` from any; the rest on the lane, but for `info`, which any thread may ask.
    """

    def __init__(self, plan: PagePlan) -> None:
        self._plan = plan
        self._lock = threading.Lock()
        self._read_bytes = 0  # since the last step ended; guarded by _lock, like what follows
        self._rate = 0.0  # bytes per second of one reader, lately
        self._waited_s = 0.0
        self._began_s = 0.0
        self._steps: deque[tuple[float, float, int, int]] = deque(maxlen=_STEPS)  # seconds, waited, bytes, tokens
        self.predicted_tokens_per_s = 0.0

    @contextmanager
    def reading(self, size_bytes: int) -> Iterator[None]:
        """Count bytes that are read from the disk, and the time that takes."""
        began_s = time.perf_counter()
        yield
        rate = size_bytes / max(1e-6, time.perf_counter() - began_s)
        with self._lock:
            self._read_bytes += size_bytes
            self._rate = rate if not self._rate else self._rate + _NEWEST * (rate - self._rate)

    def begin_step(self) -> None:
        """Note that a step begins."""
        self._began_s, self._waited_s = time.perf_counter(), 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time that a layer waits for the disk."""
        began_s = time.perf_counter()
        try:
            yield
        finally:
            self._waited_s += time.perf_counter() - began_s

    def end_step(self) -> None:
        """Note that a step ended."""
        with self._lock:
            size_bytes, self._read_bytes = self._read_bytes, 0
            self._steps.append((time.perf_counter() - self._began_s, self._waited_s, size_bytes, 0))

    def note_tokens(self, tokens: int) -> None:
        """Note that so many tokens came of the last step."""
        with self._lock:
            if self._steps:
                self._steps[-1] = (*self._steps[-1][:3], tokens)

    def info(self) -> PagingInfo:
        """The numbers of the last steps."""
        with self._lock:
            steps, rate = list(self._steps), self._rate
        seconds, waited, size_bytes, tokens = (
            (sum(column) for column in zip(*steps, strict=True)) if steps else (0.0, 0.0, 0, 0)
        )
        return PagingInfo(
            pinned_bytes=self._plan.pinned_bytes,
            streamed_bytes=self._plan.streamed_bytes,
            buffer_bytes=self._plan.buffer_bytes,
            bytes_per_token=size_bytes / tokens if tokens else 0.0,
            disk_share=min(1.0, waited / seconds) if seconds else 0.0,
            tokens_per_s=tokens / seconds if seconds else 0.0,
            sweep_s=self._plan.streamed_bytes / (READERS * rate) if rate else 0.0,
            predicted_tokens_per_s=self.predicted_tokens_per_s,
        )
