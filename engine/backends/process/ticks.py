"""Signs of life of a device process while it works on something long, with how far it is."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from engine.backends.process.child import Tell

TICK_S: Final = 0.25


class Progress:
    """How far something is.

    Attributes:
        share: in [0, 1]; set by whoever works, told by the ticks.
    """

    def __init__(self) -> None:
        self.share = 0.0


@contextmanager
def ticks(tell: Tell) -> Iterator[Progress]:
    """Tell how far it is four times a second, so that Hearth can end the process at any time.

    Whoever works says it by setting `share`, and must not call `tell` meanwhile: two threads would mix their words.
    """
    progress, over = Progress(), threading.Event()

    def tick() -> None:
        while not over.wait(TICK_S):
            tell(progress.share)

    thread = threading.Thread(target=tick, name="hearth-ticks", daemon=True)
    thread.start()
    try:
        yield progress
    finally:
        over.set()
        thread.join()
