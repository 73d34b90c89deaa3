"""Which files on disk are one model in several precisions, so that a request may leave the choice to the dispatcher.

Files count as one model if their names differ in nothing but the precision, they are of one architecture, take the same
forms of request, and have the same number of weights. The name inside a file does not count: a model that somebody has
trained further often keeps the name of the one that it came from.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from engine.types import ModelInfo

TOLERANCE: Final = 0.02
"""Counts of weights that differ by more than this share are of different models; scales may be counted as weights."""

_PRECISION: Final = re.compile(
    r"""[-_. ](?:
        (?:ud[-_.])?(?:i?q|tq)\d+(?:_\d|_k|_k_[a-z]{1,2}|_[a-z]{1,3})?   # q8_0, q4_k_m, iq4_xs, tq1_0
        | q4f16 | bf16 | fp?16 | fp?32 | mxfp4 | nvfp4
        | u?int[48](?:[-_]static)? | fp8 | quantized
    )$""",
    re.VERBOSE | re.IGNORECASE,
)
_FORMAT: Final = re.compile(r"[-_. ](?:gguf|onnx)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelGroup:
    """One model in one or more precisions.

    Attributes:
        name: what all of them are called without their precision.
        models: most bits per weight first.
    """

    name: str
    models: tuple[ModelInfo, ...]


def base_name(model_id: str) -> str:
    """An id without the precision at its end: `tinyllama-1.1b-chat.q4_k_m` is `tinyllama-1.1b-chat`."""
    name = _FORMAT.sub("", model_id)
    shorter = _PRECISION.sub("", name)
    return _FORMAT.sub("", shorter) if shorter else model_id


def group(models: Sequence[ModelInfo]) -> tuple[ModelGroup, ...]:
    """Sort models into groups; a model without others like it is a group of its own, under its id.

    Where a name would stand for different models, it stands for none, and each goes by its id.

    Args:
        models: with unique ids, in any order.

    Returns:
        Sorted by name; every model is in exactly one group.
    """
    by_name: defaultdict[str, list[ModelInfo]] = defaultdict(list)
    for model in models:
        by_name[base_name(model.id)].append(model)
    groups = []
    for name, members in by_name.items():
        if len(members) > 1 and _are_one(members):
            groups.append(ModelGroup(name, tuple(sorted(members, key=_finest_first))))
        else:
            groups += [ModelGroup(model.id, (model,)) for model in members]
    return tuple(sorted(groups, key=lambda found: found.name))


def variants_of(name: str, models: Sequence[ModelInfo]) -> tuple[ModelInfo, ...]:
    """The models that a request for this name may run, most bits per weight first.

    An exact id means that model and no other, also where it is the name of a group as well.

    Returns:
        Empty if the name is neither an id nor a group's.
    """
    wanted = name.strip().lower()
    if exact := tuple(model for model in models if model.id == wanted):
        return exact
    return next((found.models for found in group(models) if found.name == wanted), ())


def bits_per_weight(model: ModelInfo) -> float:
    """How fine the weights are; 0 if their number is unknown."""
    return 8 * model.size_bytes / model.parameters if model.parameters else 0.0


def _are_one(models: Sequence[ModelInfo]) -> bool:
    counts = [model.parameters or 0 for model in models]
    kinds = {(model.format, model.architecture, model.accepts) for model in models}
    return len(kinds) == 1 and min(counts) > 0 and max(counts) <= min(counts) * (1 + TOLERANCE)


def _finest_first(model: ModelInfo) -> tuple[float, str]:
    return -bits_per_weight(model), model.id
