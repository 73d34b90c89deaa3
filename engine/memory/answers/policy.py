"""Which answers are taken from the cache, and which are kept in it. The whole policy; pure.

| use      | taken                    | kept                     |
|----------|--------------------------|--------------------------|
| `AUTO`   | what is repeatable       | what is repeatable       |
| `REPLAY` | all                      | all                      |
| `FRESH`  | nothing                  | all                      |
| `OFF`    | nothing                  | nothing                  |

Repeatable is a text that is written greedily (temperature 0), or with a seed that the request names; what is seen in an
image and vectors always are. Never kept is what failed, was cancelled or interrupted, and what stepped down to
another device midway, because it is not what the device that was asked for would have written.

`FRESH` keeps also what was drawn by chance: it is the newest answer to what `REPLAY` asks for.
"""

from collections.abc import Sequence

from engine.caching import CacheUse
from engine.requests import Sampling
from engine.types import Placement


def is_repeatable(sampling: Sampling) -> bool:
    """Whether the same request with this gives the same text again."""
    return sampling.temperature == 0 or sampling.seed is not None


def uses_cache(use: CacheUse, samplings: Sequence[Sampling] = ()) -> bool:
    """Whether a request has anything to do with the cache.

    Args:
        use: as it asks.
        samplings: how its tokens would be drawn, for each model that may answer; none for images and vectors.
    """
    if use is CacheUse.AUTO:
        return all(map(is_repeatable, samplings))
    return use is not CacheUse.OFF


def takes(use: CacheUse) -> bool:
    """Whether a request that uses the cache may be answered from it."""
    return use in {CacheUse.AUTO, CacheUse.REPLAY}


def keeps(placement: Placement) -> bool:
    """Whether a finished answer of a request that uses the cache is kept."""
    return not placement.step_downs
