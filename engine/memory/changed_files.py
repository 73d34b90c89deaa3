"""Models whose file has changed since they were loaded leave before anybody asks them anything more."""

from engine.errors import ModelError
from engine.memory.residency import Residency
from engine.types import ModelInfo


def let_go_changed(residency: Residency, info: ModelInfo) -> None:
    """Let a model go if its file is another one than was loaded; the next request loads that.

    Raises:
        ModelError: requests are using it; a file that changes under a model can spoil what it says.
    """
    for place in residency.changed(info.path):
        is_pinned = info.path in residency.pinned
        if is_pinned:
            residency.pin(info, is_pinned=False)
        gone = residency.evict(place)
        if is_pinned:
            residency.pin(info)
        if not gone and residency.get(place) is not None:
            raise ModelError(
                f"The file of {info.id} has changed while requests are using the model.",
                "Try again once they have ended; it is then loaded anew.",
            )
