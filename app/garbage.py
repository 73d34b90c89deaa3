"""Python's cyclic garbage collector, kept to the UI thread.

By itself it runs on whichever thread happens to allocate the object too many, and it destroys what it finds there.
A widget that dies on the engine's thread takes the program with it, so the automatic collector is off while a window
is open, and a timer of the UI thread does its work.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QTimer

_INTERVAL_MS = 1000


@contextmanager
def collecting_on_this_thread() -> Iterator[None]:
    """Collect garbage from this thread's event loop only, while the context is open.

    What exists already is exempt: it is the modules and their functions, and going through them would take longer
    than a slot may.

    Thread: UI only.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    gc.freeze()
    timer = QTimer()
    timer.timeout.connect(collect_if_due)
    timer.start(_INTERVAL_MS)
    try:
        yield
    finally:
        timer.stop()
        gc.unfreeze()
        gc.collect()
        if was_enabled:
            gc.enable()


def collect_if_due() -> int:
    """Collect the oldest generation whose turn it is, by the collector's own thresholds; return what was found."""
    for generation in (2, 1, 0):
        threshold, count = gc.get_threshold()[generation], gc.get_count()[generation]
        if threshold and count > threshold:
            return gc.collect(generation)
    return 0
