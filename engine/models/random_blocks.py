"""Random weights as raw quant blocks, for every storage type that Hearth writes.

Each function returns blocks whose weights have mean 0 and a given standard deviation: the quants are random bytes, and
the scales are chosen to fit. A mean other than 0 would be the same in every row and drown what the rows differ in,
so types without an own offset get scales of random sign.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from engine.models.ggml import TENSOR_TYPES
from engine.models.gguf_writer import WeightType

Blocks = NDArray[np.uint8]
"""Raw blocks, shape (blocks, bytes per block)."""


def random_blocks(kind: WeightType, count: int, std: float, rng: np.random.Generator) -> Blocks:
    """Make blocks of random weights.

    Args:
        kind: storage type.
        count: number of blocks; for the types without blocks, 32 weights count as one.
        std: standard deviation of the weights.
        rng: source of randomness.
    """
    if kind in _PLAIN:
        weights = rng.standard_normal((count, PLAIN_WEIGHTS), dtype=np.float32) * np.float32(std)
        return np.ascontiguousarray(_PLAIN[kind](weights)).view(np.uint8)
    blocks = rng.integers(0, 256, (count, TENSOR_TYPES[kind].block_bytes), dtype=np.uint8)
    _SCALES[kind](blocks, std, rng)
    return blocks


PLAIN_WEIGHTS = 32
"""Weights of one block of F32, F16 and BF16, which have none of their own."""


def _to_bf16(weights: NDArray[np.float32]) -> NDArray[np.uint16]:
    return (weights.view(np.uint32) >> 16).astype(np.uint16)


_PLAIN: Mapping[WeightType, Callable[[NDArray[np.float32]], NDArray[np.generic]]] = {
    WeightType.F32: lambda weights: weights,
    WeightType.F16: lambda weights: weights.astype(np.float16),
    WeightType.BF16: _to_bf16,
}


def _half(value: float) -> NDArray[np.uint8]:
    return np.frombuffer(np.float16(value).tobytes(), dtype=np.uint8)


def _put_signed_half(blocks: Blocks, at: int, value: float, rng: np.random.Generator) -> None:
    blocks[:, at : at + 2] = _half(value)
    blocks[:, at + 1] ^= rng.integers(0, 2, len(blocks), dtype=np.uint8) << np.uint8(7)  # the sign bit


# The numbers below are the standard deviations of uniformly random quants, scales of the block included.


def _q8_0(blocks: Blocks, std: float, _rng: np.random.Generator) -> None:
    blocks[:, :2] = _half(std / 73.9)  # a few -128 among the quants are harmless


def _q4_0(blocks: Blocks, std: float, rng: np.random.Generator) -> None:
    _put_signed_half(blocks, 0, std / 4.64, rng)


def _q5_0(blocks: Blocks, std: float, rng: np.random.Generator) -> None:
    _put_signed_half(blocks, 0, std / 9.25, rng)


def _iq4_nl(blocks: Blocks, std: float, rng: np.random.Generator) -> None:
    _put_signed_half(blocks, 0, std / 69.0, rng)


def _iq4_xs(blocks: Blocks, std: float, rng: np.random.Generator) -> None:
    blocks[:, 2:4] = 0xAA  # high bits of the eight scales: 2
    blocks[:, 4:8] = 0x88  # low bits: 8, so each scale is 32 + 8 - 32 = 8
    _put_signed_half(blocks, 0, std / (8 * 69.0), rng)


def _q2_k(blocks: Blocks, std: float, _rng: np.random.Generator) -> None:
    scale = std / (8 * 1.118)
    blocks[:, :16] = 0xC8  # scale 8, offset 12 = 8 * the mean quant 1.5
    blocks[:, 80:82] = _half(scale)
    blocks[:, 82:84] = _half(scale)


def _q3_k(blocks: Blocks, std: float, rng: np.random.Generator) -> None:
    blocks[:, 96:104] = 0x88  # low bits of the sixteen scales: 8
    blocks[:, 104:108] = 0xAA  # high bits: 2, so each scale is 32 + 8 - 32 = 8
    _put_signed_half(blocks, 108, std / (8 * 2.35), rng)


def _k_scales(blocks: Blocks, scale: float, mean_quant: float) -> None:
    # Eight 6-bit scales and offsets, all of them 32: the first four of each in plain bytes, the rest in split nibbles.
    blocks[:, 4:12] = 32 | 0x80  # the top two bits are those of the fifth to eighth: 2
    blocks[:, 12:16] = 0
    blocks[:, :2] = _half(scale / 32)
    blocks[:, 2:4] = _half(scale / 32 * mean_quant)


def _q4_k(blocks: Blocks, std: float, _rng: np.random.Generator) -> None:
    _k_scales(blocks, std / 4.61, 7.5)


def _q5_k(blocks: Blocks, std: float, _rng: np.random.Generator) -> None:
    _k_scales(blocks, std / 9.23, 15.5)


def _q6_k(blocks: Blocks, std: float, rng: np.random.Generator) -> None:
    signs = rng.integers(0, 2, (len(blocks), 16), dtype=np.int8) * 2 - 1
    blocks[:, 192:208] = (signs * np.int8(64)).view(np.uint8)
    blocks[:, 208:210] = _half(std / (64 * 18.5))


_SCALES: Mapping[WeightType, Callable[[Blocks, float, np.random.Generator], None]] = {
    WeightType.Q8_0: _q8_0,
    WeightType.Q4_0: _q4_0,
    WeightType.Q5_0: _q5_0,
    WeightType.IQ4_NL: _iq4_nl,
    WeightType.IQ4_XS: _iq4_xs,
    WeightType.Q2_K: _q2_k,
    WeightType.Q3_K: _q3_k,
    WeightType.Q4_K: _q4_k,
    WeightType.Q5_K: _q5_k,
    WeightType.Q6_K: _q6_k,
}
