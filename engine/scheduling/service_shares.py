"""ServiceShares: how much of the lanes each client has had."""

from collections import Counter, defaultdict
from collections.abc import Iterable


class ServiceShares:
    """Counts seconds of lanes by client, for comparison among those that have requests.

    A client that comes back after a pause has no claim on the time in between: it is lifted to the one that had least
    (virtual token counter, Sheng et al. 2024, arXiv 2401.00588). Not thread-safe.
    """

    def __init__(self) -> None:
        self._had_s: defaultdict[str, float] = defaultdict(float)
        self._requests: Counter[str] = Counter()

    def come(self, client: str) -> None:
        """Note that a client has one more request."""
        if not self._requests[client]:
            others = [self._had_s[other] for other in self._requests if other != client]
            if others:
                self._had_s[client] = max(self._had_s[client], min(others))
        self._requests[client] += 1

    def go(self, client: str) -> None:
        """Note that a client has one less."""
        self._requests[client] -= 1
        if not self._requests[client]:
            del self._requests[client]

    def charge(self, client: str, lane_s: float) -> None:
        """Add seconds of a lane."""
        self._had_s[client] += lane_s

    def had_s(self, clients: Iterable[str]) -> list[float]:
        """Seconds that clients have had, or were lifted to."""
        return [self._had_s[client] for client in clients]
