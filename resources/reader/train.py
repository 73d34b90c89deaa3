"""Train the reader and export it: `python -m resources.reader.train --out resources/models`.

The run can be stopped and started again at any time: it goes on from its last checkpoint and ends in the same weights.
"""

import argparse
import copy
import os
import random
import time
from pathlib import Path

import torch
from torch import nn

from plugins.read_text.ctc import greedy_decode
from resources.reader.batches import POOL_STEPS, make_batch, pool_batches
from resources.reader.export import export
from resources.reader.fonts import FONT_DIR, Family, held_out_families, train_families
from resources.reader.model import Reader
from resources.reader.render import render_sample
from resources.reader.text import CHARSET

PEAK_RATE = 1.5e-3
WARM_UP_STEPS = 400
COOL_DOWN_SHARE = 0.3  # of all steps: the rate falls to zero in a straight line
AVERAGING = 0.998  # of the exported weights, per step
POOLS_PER_CHECKPOINT = 4


class Training:
    """Everything that a checkpoint holds: the network, its running average, the optimiser and the step."""

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.seed = seed
        self.pool = 0
        self.network = Reader().to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval()
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=PEAK_RATE, weight_decay=0.01)

    def save(self, path: Path) -> None:
        """Write a checkpoint; a reader of `path` sees the old one or the new one, never half of it."""
        state = {"seed": self.seed, "pool": self.pool, "network": self.network.state_dict()}
        state |= {"average": self.average.state_dict(), "optimiser": self.optimiser.state_dict()}
        draft = path.with_suffix(".draft")
        torch.save(state, draft)
        os.replace(draft, path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint."""
        state = torch.load(path, weights_only=True)
        self.seed, self.pool = state["seed"], state["pool"]
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])

    def run_pool(self, families: list[Family], steps: int) -> float:
        """Train on one pool of lines; returns its mean loss per line."""
        total = 0.0
        for index, batch in enumerate(pool_batches(self.seed, self.pool, families)):
            total += self._step(*batch, rate=rate(self.pool * POOL_STEPS + index, steps))
        self.pool += 1
        return total / POOL_STEPS

    def _step(self, lines: torch.Tensor, targets: torch.Tensor, lengths: torch.Tensor, rate: float) -> float:
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        scores = self.network.train()(lines.contiguous(memory_format=torch.channels_last)).transpose(0, 1)
        frames = torch.full((len(lengths),), scores.shape[0])
        loss = nn.functional.ctc_loss(scores, targets, frames, lengths, reduction="none", zero_infinity=True).mean()
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimiser.step()
        self._average_weights()
        return float(loss.detach())

    @torch.no_grad()
    def _average_weights(self) -> None:
        for mean, new in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            mean.lerp_(new, 1 - AVERAGING) if mean.is_floating_point() else mean.copy_(new)


def rate(step: int, steps: int) -> float:
    """Learning rate: up, level, then down to zero over the last COOL_DOWN_SHARE."""
    left = (steps - step) / (COOL_DOWN_SHARE * steps)
    return PEAK_RATE * min(1.0, (step + 1) / WARM_UP_STEPS, max(left, 0.0))


@torch.no_grad()
def lines_right(network: Reader, families: list[Family], count: int = 192) -> float:
    """Share of `count` distorted lines, in fonts never trained on, that are read without any mistake."""
    rng = random.Random("check")
    samples = sorted((render_sample(rng, families) for _ in range(count)), key=lambda sample: sample[0].shape[1])
    right = 0
    for start in range(0, count, 32):
        chunk = samples[start : start + 32]
        scores = network(make_batch(chunk, None)[0]).exp().numpy()
        right += sum(greedy_decode(s, CHARSET)[0] == text for s, (_, text) in zip(scores, chunk, strict=True))
    return right / count


def main() -> None:
    """Train for --steps, with checkpoints, and write the ONNX file and its card."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for reader.onnx and reader.json")
    parser.add_argument("--work", type=Path, default=Path("build/reader"), help="folder for checkpoints")
    parser.add_argument("--fonts", type=Path, default=FONT_DIR, help="folder with the font packages' files")
    parser.add_argument("--steps", type=int, default=6720, help="optimiser steps of 32 lines each")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    checkpoint = options.work / "checkpoint.pt"
    training = Training(options.seed)
    if checkpoint.exists():
        training.load(checkpoint)
    learn, check = train_families(options.fonts), held_out_families(options.fonts)
    while training.pool * POOL_STEPS < options.steps:
        started = time.perf_counter()
        loss = training.run_pool(learn, options.steps)
        print(f"step {training.pool * POOL_STEPS}: loss {loss:.3f}, {time.perf_counter() - started:.1f} s", flush=True)
        if training.pool % POOLS_PER_CHECKPOINT == 0:
            training.save(checkpoint)
            print(f"  held-out lines right: {lines_right(training.average, check):.3f}", flush=True)
    training.save(checkpoint)
    export(training.average, options.out)


if __name__ == "__main__":
    main()
