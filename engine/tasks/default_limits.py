"""What a person may set for one model."""

from typing import Final

from engine.cards import ModelDefaults
from engine.errors import InvalidRequestError
from engine.requests import Sampling

_CONTEXT: Final = range(16, (1 << 24) + 1)
_SAMPLING: Final = {
    "temperature": (0.0, 5.0),
    "top_k": (0, 1 << 20),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "repeat_penalty": (0.5, 3.0),
    "frequency_penalty": (-2.0, 2.0),
    "presence_penalty": (-2.0, 2.0),
    "penalty_last_tokens": (0, 1 << 20),
}
"""Field -> least and most."""


def check_defaults(defaults: ModelDefaults) -> None:
    """Refuse numbers that make no sense.

    Raises:
        InvalidRequestError: says which.
    """
    context, budget = defaults.context_tokens, defaults.memory_budget_bytes
    if context is not None and context not in _CONTEXT:
        raise InvalidRequestError(
            f"A context has from {_CONTEXT.start} to {_CONTEXT.stop - 1:,} tokens, not {context:,}.",
            "Choose a number in between.",
        )
    if budget is not None and budget < 1:
        raise InvalidRequestError("A memory budget is at least one byte.", "Leave it out to take what is free.")
    if defaults.sampling is not None:
        _check_sampling(defaults.sampling)


def _check_sampling(sampling: Sampling) -> None:
    for name, (least, most) in _SAMPLING.items():
        value = getattr(sampling, name)
        if not least <= value <= most:  # which is so for what is no number as well
            raise InvalidRequestError(f"{name} is {value}, but must be from {least} to {most}.")
