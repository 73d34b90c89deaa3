"""Uses: who holds, wants and pins models, in all memories at once."""

import threading
import time
from collections import Counter
from pathlib import Path

from engine.memory.budget import MemoryBudget
from engine.memory.place import Place


class Uses:
    """Who needs the models.

    Thread: any.
    """

    def __init__(self, budgets: dict[str, MemoryBudget]) -> None:
        """Start with nobody.

        Args:
            budgets: of all memories, which are told; guarded by `_lock` from now on.
        """
        self._lock = threading.Lock()
        self._budgets = budgets  # guarded by _lock
        self._holders: Counter[Place] = Counter()  # guarded by _lock
        self._waiting: Counter[Place] = Counter()  # guarded by _lock
        self._pinned: set[Path] = set()  # guarded by _lock

    @property
    def pinned(self) -> frozenset[Path]:
        """Files of the models that must stay."""
        with self._lock:
            return frozenset(self._pinned)

    def hold(self, place: Place) -> None:
        """Count a request that uses a model: such a model does not leave."""
        with self._lock:
            self._holders[place] += 1
            for budget in self._budgets.values():
                budget.hold(place, time.monotonic())

    def let_go(self, place: Place) -> None:
        """Undo one `hold`."""
        with self._lock:
            self._holders[place] -= 1
            for budget in self._budgets.values():
                budget.let_go(place, time.monotonic())

    def want(self, place: Place, count: int = 1) -> None:
        """Count a request, or several, that wait for a model; -1 undoes one."""
        with self._lock:
            self._waiting[place] += count
            for budget in self._budgets.values():
                budget.want(place, self._waiting[place])

    def pin(self, path: Path, is_pinned: bool) -> None:
        """Keep a file's models in memory, wherever they are, or no longer."""
        with self._lock:
            (self._pinned.add if is_pinned else self._pinned.discard)(path)
            for budget in self._budgets.values():
                for key in budget.holdings:
                    if isinstance(key, Place) and key.path == path:
                        budget.pin(key, is_pinned)

    def users(self, path: Path) -> int:
        """Requests that use a file's models, or wait for them."""
        with self._lock:
            counts = (*self._holders.items(), *self._waiting.items())
            return sum(count for place, count in counts if place.path == path)
