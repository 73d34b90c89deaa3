"""Lease: one request's hold on models."""

import threading
from types import TracebackType
from typing import Self

from engine.memory.ledger import Ledger
from engine.memory.place import Place


class Lease:
    """One request's hold on models; ended by leaving the `with` block, wherever the request stands then.

    A request that moves to another device holds its model in both places until it ends.

    Thread: any; what comes after the end is ignored, because the request has gone meanwhile.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._held: set[Place] = set()  # guarded by _lock
        self._wanted: set[Place] = set()  # guarded by _lock
        self._is_ended = False  # guarded by _lock
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._is_ended = True
            for place in self._held:
                self._ledger.let_go(place)
            for place in self._wanted:
                self._ledger.want(place, -1)
            self._held.clear()
            self._wanted.clear()

    def hold(self, place: Place) -> None:
        """Keep a model from being evicted; the request does not wait for it any more."""
        with self._lock:
            if not self._is_ended and place not in self._held:
                self._ledger.hold(place)
                self._held.add(place)
            self._stop_waiting(place)

    def let_go(self, place: Place) -> None:
        """Let others have the model's memory, for a while or for good; nothing happens if it is not held."""
        with self._lock:
            if place in self._held:
                self._held.remove(place)
                self._ledger.let_go(place)

    def want(self, place: Place) -> None:
        """Say that the request waits for a model: it may be evicted, but rather later than others."""
        with self._lock:
            if not self._is_ended and place not in self._wanted:
                self._ledger.want(place)
                self._wanted.add(place)

    def _stop_waiting(self, place: Place) -> None:
        if place in self._wanted:
            self._wanted.remove(place)
            self._ledger.want(place, -1)
