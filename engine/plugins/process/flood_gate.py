"""FloodGate: how much a plugin may send unasked."""

import time
from collections.abc import Callable
from typing import Final

_PAUSE_S: Final = 0.02


class FloodGate:
    """A token bucket each for messages and bytes.

    A plugin that sends faster is read more slowly: its own sending then waits, and Hearth's threads sleep instead of
    taking turns at Python's lock with the window. One that goes on for long does it on purpose, or is broken.

    Thread: the reader's.
    """

    def __init__(
        self,
        messages_per_s: float,
        bytes_per_s: float,
        patience_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rates = (messages_per_s, bytes_per_s)
        self._left = [messages_per_s, bytes_per_s]  # one second's worth at once
        self._patience_s = patience_s
        self._clock = clock
        self._filled_s = clock()
        self._since_s: float | None = None  # when it became too much

    def take(self, size_bytes: int) -> float:
        """Count a message; seconds to wait before the next one is read."""
        now_s = self._clock()
        for index, (rate, amount) in enumerate(zip(self._rates, (1, size_bytes), strict=True)):
            refilled = self._left[index] + (now_s - self._filled_s) * rate
            self._left[index] = min(rate, refilled) - amount
        self._filled_s = now_s
        if min(self._left) >= 0:
            if all(left > rate / 2 for left, rate in zip(self._left, self._rates, strict=True)):
                self._since_s = None
            return 0.0
        if self._since_s is None:
            self._since_s = now_s
        wait_s = max(-left / rate for left, rate in zip(self._left, self._rates, strict=True))
        return max(wait_s, _PAUSE_S)

    def is_flooded(self) -> bool:
        """Whether it has gone on for too long."""
        return self._since_s is not None and self._clock() - self._since_s > self._patience_s
