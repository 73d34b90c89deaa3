"""Fault: something that may go away by itself, and for how long it is waited out."""

import random
from collections.abc import Callable
from typing import Final

from engine.errors import HubError
from engine.hub.transfer.settings import TransferSettings

_PROGRESS_BYTES: Final = 16 << 10  # an attempt that brings less does not count as one that went on
_LATER: Final = "Try again later; what has been fetched is kept."


class Fault(Exception):  # noqa: N818 - not yet an error: it is tried again
    """A connection that failed in a way that may go away by itself.

    Attributes:
        cause: one sentence.
        remedy: what to do if it stays.
        wait_s: that the server asks to wait; 0 if it does not.
    """

    def __init__(self, cause: str, remedy: str = _LATER, wait_s: float = 0.0) -> None:
        super().__init__(cause)
        self.cause, self.remedy, self.wait_s = cause, remedy, wait_s


class Nonsense(Fault):
    """An answer that cannot be used; less likely to go away."""


class Patience:
    """Waits longer after each attempt that brings nothing, and ends after too many in a row.

    Thread: the job's.
    """

    def __init__(self, settings: TransferSettings, sleep: Callable[[float], None], say: Callable[[str], None]) -> None:
        """Make it for one download.

        Args:
            settings: how long.
            sleep: waits so many seconds, or raises what ends the wait.
            say: told what is waited for.
        """
        self._settings, self._sleep, self._say = settings, sleep, say
        self._tries = {Fault: 0, Nonsense: 0}  # in a row
        self._came = 0

    def note(self, count: int) -> None:
        """So many bytes came."""
        self._came += count
        if self._came >= _PROGRESS_BYTES:
            self._tries = dict.fromkeys(self._tries, 0)

    def endure(self, fault: Fault) -> None:
        """Wait before the next attempt.

        Raises:
            HubError: it was tried often enough.
        """
        kind = type(fault)
        self._tries[kind] += 1
        self._came = 0
        most = self._settings.tries_of_nonsense if kind is Nonsense else self._settings.tries
        if self._tries[kind] >= most:
            raise HubError(fault.cause, fault.remedy) from fault
        longest_s = min(self._settings.longest_wait_s, self._settings.first_wait_s * 2.0 ** (self._tries[kind] - 1))
        wait_s = max(fault.wait_s, longest_s * random.uniform(0.5, 1.0))  # so that not all come back together
        self._say(f"{fault.cause} Tries again in {max(1, round(wait_s))} s.")
        self._sleep(wait_s)
