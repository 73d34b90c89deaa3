"""Finds the rates of a device from the times that some models took on it, with the formula of `prediction.py`.

Least squares of the relative errors, since a model with hardly any weights says as much as a large one; and no rate may
be below 0.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from engine.devices.prediction import Rates
from engine.errors import DeviceError
from engine.models.shape import Matrices, ModelShape

if TYPE_CHECKING:
    from engine.backends.llama.measuring import ModelTiming

LANE_FACTOR: Final = 2.4
"""How much more than what is timed it is with a lane and a front end, where these need the cores that also compute. A
guess from one machine with two cores, where a model of 100 million weights took 0.4 ms longer per token when it was
timed than bare decoding, and 0.95 ms in an engine."""

DEVICE_LANE_FACTOR: Final = 1.5
"""The same where another device computes. A guess."""


def fitted(timings: "Sequence[ModelTiming]", lane_factor: float = LANE_FACTOR) -> Rates:
    """Find the rates that explain the times of some models best.

    Args:
        timings: of the models.
        lane_factor: how much more Hearth adds to a step than what was timed.

    Raises:
        DeviceError: the times make no sense: no type of weights costs anything.
    """
    types = sorted({kind for timing in timings for kind in _work(timing.shape)})
    rows = np.array([_coefficients(timing.shape, types) for timing in timings])
    times = np.array([timing.token_s for timing in timings])
    found = least_squares(rows / times[:, None], np.ones(len(timings)))
    step_s, layer_s, row_s, *byte_s = (float(value) for value in found)
    if any(value <= 0 for value in byte_s):
        raise DeviceError("The device was too busy with other things to be measured.", "Measure it again.")
    prompt_attention_flops = _prompt_attention_flops(timings)
    return Rates(
        device="",
        backend="",
        interface="",
        decode_bytes_per_s={kind: 1 / value for kind, value in zip(types, byte_s, strict=True)},
        prefill_flops=_prefill_flops(timings, prompt_attention_flops),
        layer_overhead_s=layer_s,
        step_overhead_s=step_s + lane_factor * _hearth_s(timings),
        row_overhead_s=row_s,
        attention_flops=_attention_flops(timings),
        prompt_attention_flops=prompt_attention_flops,
        load_bytes_per_s=_load_rate(timings),
    )


def least_squares(rows: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve rows · x ≈ values for x ≥ 0.

    Leaves out the most negative unknown and solves again until none is negative, which is enough where few unknowns
    are in doubt; the exact way (Lawson and Hanson 1974) may also take one back in.

    Args:
        rows: shape (equations, unknowns).
        values: shape (equations,).
    """
    scale = np.abs(rows).max(axis=0)  # bytes and steps differ by nine powers of ten
    scale[scale == 0] = 1.0
    kept = list(range(rows.shape[1]))
    solution = np.zeros(rows.shape[1])
    while kept:
        part, *_ = np.linalg.lstsq(rows[:, kept] / scale[kept], values, rcond=None)
        if (part >= 0).all():
            solution[kept] = part / scale[kept]
            break
        del kept[int(np.argmin(part))]
    return solution


def _coefficients(shape: ModelShape, types: Sequence[str]) -> list[float]:
    """What the formula multiplies the unknowns with: step, layer and row overhead, and bytes by type."""
    work = _work(shape)
    return [
        1.0,
        float(shape.layers),
        sum(cost.rows for cost in work.values()),
        *(work[kind].bytes if kind in work else 0.0 for kind in types),
    ]


def _work(shape: ModelShape) -> Mapping[str, Matrices]:
    work = dict(shape.layer_work)
    for kind, cost in shape.head_work.items():
        work[kind] = work.get(kind, Matrices()) + cost
    return work


def _prefill_flops(timings: "Sequence[ModelTiming]", attention_flops: float) -> Mapping[str, float]:
    """Arithmetic of a prompt: its further tokens over the time that they add to the first's, looking back left out."""
    found = {}
    for timing in timings:
        back_s = timing.shape.attention * timing.prompt_tokens**2 / attention_flops if attention_flops else 0.0
        added_s = timing.prompt_s - timing.token_s - back_s
        if timing.prompt_tokens > 1 and added_s > 0 and len(timing.shape.layer_work) == 1:
            [(kind, cost)] = timing.shape.layer_work.items()
            found[kind] = 2 * cost.multiply_adds * (timing.prompt_tokens - 1) / added_s
    return MappingProxyType(found)


def _hearth_s(timings: "Sequence[ModelTiming]") -> float:
    """What Hearth adds to a step: choosing the token, its text, handing both over, and the way to another process."""
    added = [timing.added_s for timing in timings if timing.added_s is not None]
    return max(0.0, *added) if added else 0.0


def _prompt_attention_flops(timings: "Sequence[ModelTiming]") -> float:
    """The second half of a prompt looks back at all of the first, which that did not have to do."""
    from engine.backends.llama.probes import FAR_TOKENS

    half = FAR_TOKENS // 2
    return next((2 * it.shape.attention * half * half / it.later_s for it in timings if it.later_s > 0), 0.0)


def _attention_flops(timings: "Sequence[ModelTiming]") -> float:
    from engine.backends.llama.probes import FAR_TOKENS, NEAR_TOKENS

    for timing in timings:
        if timing.far_s > timing.token_s:
            return 2 * timing.shape.attention * (FAR_TOKENS - NEAR_TOKENS) / (timing.far_s - timing.token_s)
    return 0.0


def _load_rate(timings: "Sequence[ModelTiming]") -> float:
    """All bytes over all seconds: types that are rearranged while they are loaded take most of these."""
    seconds = sum(timing.open_s for timing in timings)
    return sum(timing.shape.size_bytes for timing in timings) / seconds if seconds > 0 else 0.0
