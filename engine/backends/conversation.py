"""Conversation: what a text model keeps of a conversation that it is not working on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Conversation:
    """What a text model knows of a conversation that it is not working on.

    Attributes:
        tokens: what it has read and written, in order.
        state: their KV, as the backend writes it.
        last_used: of two of the same model, the larger was used later.
    """

    tokens: tuple[int, ...]
    state: NDArray[np.uint8]
    last_used: int
