"""The orders by their names."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from engine.config import ORDERS
from engine.errors import InvalidRequestError
from engine.scheduling.baselines import Collate, Fifo, FifoBatched, FreeForAll, RoundRobin
from engine.scheduling.policy import Policy
from engine.scheduling.priority import HORIZON_S, Weights
from engine.scheduling.score_policy import ScorePolicy

_BASELINES: Final[Mapping[str, Callable[[], Policy]]] = MappingProxyType(
    {
        "fifo": Fifo,
        "fifo_batched": FifoBatched,
        "round_robin": RoundRobin,
        "collate": Collate,
        "free_for_all": FreeForAll,
    }
)
_OVERTAKEN_S: Final[Mapping[str, float]] = MappingProxyType({"hearth": HORIZON_S, "fifo": 0.0, "fifo_batched": 0.0})


def policy_of(order: str, weights: Weights | None = None) -> Policy:
    """Make a policy.

    Args:
        order: its name, one of `ORDERS`.
        weights: of the factors, for the order by score; the default ones if not given.

    Raises:
        InvalidRequestError: there is no such order.
    """
    if order == "hearth":
        return ScorePolicy(weights)
    make = _BASELINES.get(order)
    if make is None:
        raise InvalidRequestError(f"There is no order {order!r}.", f"Choose from: {', '.join(ORDERS)}.")
    return make()


def overtaken_at_most_s(order: str) -> float | None:
    """A request that arrives more than this much later than another never begins before it on the same lane.

    None where an order does not promise that.
    """
    return _OVERTAKEN_S.get(order)
