"""Which one model of the catalogue is offered to somebody who has none yet."""

from collections.abc import Sequence
from typing import Final

from engine import Fit, HubFile, HubModel

_MOST_BYTES: Final = 3_000_000_000  # a first download should not take the evening
_FAST_ENOUGH: Final = 8.0  # tokens per second, about as fast as people read
_TASK: Final = "chat"


def best_of(models: Sequence[HubModel]) -> HubModel | None:
    """The largest that chats, fits without paging and answers as fast as one reads; None if there is none."""
    found = [(file, model) for model in models if _TASK in model.tasks and (file := file_of(model)) is not None]
    fitting = [(file, model) for file, model in found if file.fit is Fit.FITS and file.size_bytes <= _MOST_BYTES]
    fast = [pair for pair in fitting if pair[0].tokens_per_s is None or pair[0].tokens_per_s >= _FAST_ENOUGH]
    best = max(fast or fitting, key=lambda pair: pair[0].size_bytes, default=None)
    return best[1] if best is not None else None


def file_of(model: HubModel) -> HubFile | None:
    """The file to take of a model; None if none fits."""
    return next((file for file in model.files if file.name == model.recommended), None)
