"""Training batches, a pure function of the seed, so that a resumed run sees exactly what an unbroken one does."""

import random
from collections.abc import Iterator, Sequence

import numpy as np
import torch

from resources.reader.fonts import Family
from resources.reader.render import HEIGHT, GreyImage, render_sample
from resources.reader.text import CHARSET

BATCH = 32
POOL_LINES = 48 * BATCH
PASSES = 2
"""Each drawn line is used this often, with other noise: drawing costs about as much as half a training step."""
POOL_STEPS = PASSES * POOL_LINES // BATCH

Sample = tuple[GreyImage, str]
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
"""Lines (N, 1, 32, W) in -1..1, all targets in one row (sum of lengths,), length of each target (N,)."""


def pool_batches(seed: int, pool: int, families: Sequence[Family]) -> Iterator[Batch]:
    """Draw one pool of lines and yield its POOL_STEPS batches, lines of like width together."""
    rng = random.Random(f"{seed}/{pool}")
    samples = [render_sample(rng, families) for _ in range(POOL_LINES)]
    for _ in range(PASSES):
        ordered = sorted(samples, key=lambda sample: sample[0].shape[1] * rng.uniform(0.9, 1.1))
        starts = list(range(0, POOL_LINES, BATCH))
        rng.shuffle(starts)
        for start in starts:
            yield make_batch(ordered[start : start + BATCH], np.random.default_rng(rng.getrandbits(32)))


def make_batch(samples: Sequence[Sample], noise: np.random.Generator | None) -> Batch:
    """Stack lines, white to the right of the shorter ones; with `noise`, shift them a row and add grain."""
    width = max(grey.shape[1] for grey, _ in samples)
    stack = np.full((len(samples), 1, HEIGHT, width), 255.0, dtype=np.float32)
    for row, (grey, _) in enumerate(samples):
        shift = int(noise.integers(-1, 2)) if noise else 0
        stack[row, 0, :, : grey.shape[1]] = np.roll(grey, shift, axis=0)
    if noise:
        stack += noise.standard_normal(stack.shape, dtype=np.float32) * noise.uniform(0, 8)
    targets = torch.tensor([CHARSET.index(character) + 1 for _, text in samples for character in text])
    lengths = torch.tensor([len(text) for _, text in samples])
    return torch.from_numpy(stack / 127.5 - 1.0), targets, lengths
