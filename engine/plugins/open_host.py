"""OpenHost: what a host has only while it is open."""

import itertools
import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from engine.errors import EngineClosedError, EngineError
from engine.plugins.development import TreeWatch
from engine.plugins.elsewhere import Elsewhere
from engine.plugins.sampling import Beat, Keep, Sampler
from engine.plugins.surroundings import Surroundings

log = logging.getLogger(__name__)

T = TypeVar("T")

THREADS: Final = 4  # plugins that are started, stopped or measured at the same time; one that hangs blocks no other


class OpenHost:
    """The threads of a host, and what they watch.

    Thread: any.

    Attributes:
        around: what all plugins share.
        pool: the threads that start, stop and measure.
        beat: calls `watch` at a steady pace, once it has begun.
        beats: counts them.
        sampler: reads telemetry.
        trees: development: sees files change.
        elsewhere: sees what another process does.
        found: ends when the plugins are found, with the ends of their starts; None before that is asked for.
        catching_up: ends when what another process did is taken over; None before the first time.
    """

    def __init__(
        self, around: Surroundings, elsewhere: Elsewhere, watch: "Callable[[OpenHost], None]", keep: Keep
    ) -> None:
        """Start no thread yet.

        Args:
            around: what all plugins share.
            elsewhere: made before anything was read.
            watch: called by each beat.
            keep: gets the numbers of telemetry.
        """
        self.around = around
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="hearth-plugins")
        self.beat = Beat(lambda: watch(self))
        self.beats = itertools.count()
        self.sampler = Sampler(self.submit, keep)
        self.trees = TreeWatch()
        self.elsewhere = elsewhere
        self.found: Future[list[Future[None]]] | None = None
        self.catching_up: Future[None] | None = None

    def submit(self, function: Callable[[], T]) -> "Future[T]":
        """Have something done on a thread of the host; a fault of the host's own is not lost.

        Raises:
            EngineClosedError: the host is closing.
        """
        try:
            future = self.pool.submit(function)
        except RuntimeError as error:
            raise EngineClosedError("The engine was closed.") from error
        future.add_done_callback(_log_fault)
        return future


def _log_fault(future: "Future[T]") -> None:
    if not future.cancelled() and not isinstance(future.exception(), EngineError | None):
        log.error("Something went wrong with a plugin", exc_info=future.exception())
