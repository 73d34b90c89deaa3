"""How long work takes on this thread alone."""

import time
from collections.abc import Callable

SLOT_MS = 16.0  # of the loop, at 60 pictures a second
TRIES = 20


def least_ms(work: Callable[[int], None]) -> float:
    """The fastest of several runs, in this thread's own time: other programs are not what is measured."""
    times = []
    for attempt in range(TRIES):
        begun = time.thread_time()
        work(attempt)
        times.append((time.thread_time() - begun) * 1000)
    return min(times)
