"""The whole recipe in one command: ``python -m resources.starter.train --out resources/models --minutes 60``."""

from __future__ import annotations

import argparse
import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from resources.starter import corpus, data
from resources.starter import tokenizer as vocabulary
from resources.starter.crew import Crew
from resources.starter.model import Shape, Starter
from resources.starter.optimizer import Optimizers
from resources.starter.publish import publish

SEED = 7
TOKENS_PER_BATCH = 2048
"""For each worker."""
_LENGTHS = ((0.55, 256), (0.80, 512), (1.01, 1024))
_ANNEAL_FROM = 0.60
_CHAT_FROM = 0.78
_MIX = (0.82, 0.12, 0.06)
_CHAT_MIX = (0.35, 0.27, 0.38)
_CHECKPOINT_SECONDS = 300.0
_REPORT_STEPS = 40


def rate_factor(progress: float) -> float:
    """What the learning rates are multiplied with at ``progress`` (0 to 1): warm up, hold, fall to zero."""
    if progress < 0.01:
        return max(progress / 0.01, 0.01)
    if progress < _ANNEAL_FROM:
        return 1.0
    return max(0.0, (1 - progress) / (1 - _ANNEAL_FROM))


def window_length(progress: float) -> int:
    """Tokens per window at ``progress``: short ones first, because they are cheap."""
    return next(length for until, length in _LENGTHS if progress < until)


def mix(progress: float) -> tuple[float, float, float]:
    """Shares of text, mechanical pairs and the manual at ``progress``."""
    return _MIX if progress < _CHAT_FROM else _CHAT_MIX


@dataclass(slots=True)
class Run:
    """What training knows about itself; saved with every checkpoint."""

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)


class Trainer:
    """Trains one network for a given time; goes on from the checkpoint in ``folder`` if there is one."""

    def __init__(
        self, shape: Shape, prepare: Callable[[int], data.Streams], folder: Path, minutes: float, crew: Crew
    ) -> None:
        self._crew = crew
        self.model = Starter(shape)
        self.run = Run()
        self.interrupted = False
        self._optimizers = Optimizers(self.model)
        self._rng = np.random.default_rng(SEED + crew.rank)
        self._checkpoint = folder / "checkpoint.pt"
        self._seconds = minutes * 60
        self._saved = 0.0
        self._resume()
        self._streams = prepare(SEED + self.run.steps + 1000 * crew.rank)

    @property
    def progress(self) -> float:
        """The share of the time that is used up."""
        return self.run.seconds / self._seconds

    def _resume(self) -> None:
        if self._checkpoint.exists():
            saved = torch.load(self._checkpoint, weights_only=True)
            self.model.load_state_dict(saved["model"])
            self._optimizers.load(saved["optimizers"])
            self.run = Run(**saved["run"])
            self._saved = self.run.seconds
            self._rng = np.random.default_rng(SEED + self.run.steps + self._crew.rank)
            print(
                f"worker {self._crew.rank} goes on from step {self.run.steps}, {self.run.seconds / 60:.1f} minutes in",
                flush=True,
            )

    def train(self) -> None:
        """Train until the time is over or a signal says stop; the last checkpoint is the result."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)
        self.model.train()
        started = time.monotonic() - self.run.seconds
        while self.progress < 1 and not self.interrupted:
            loss = self._step()
            # The slowest clock and anybody's interruption count for all, so that all stop after the same step.
            self.run.seconds = self._crew.most(time.monotonic() - started)
            self.interrupted = self._crew.most(float(self.interrupted)) > 0
            self._report(loss)
            if self.run.seconds - self._saved > _CHECKPOINT_SECONDS:
                self.save()
        self.save()

    def _interrupt(self, *_: object) -> None:
        self.interrupted = True

    def _step(self) -> float:
        length = window_length(self.progress)
        rows = TOKENS_PER_BATCH // length
        batch = self._streams.batch(length, rows, mix(self.progress), self._rng)
        tokens = torch.from_numpy(batch.astype(np.int64))
        loss = self.model(tokens[:, :-1], tokens[:, 1:])
        loss.backward()
        self._crew.average(self.model.parameters())
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizers.step(rate_factor(self.progress))
        self.run.steps += 1
        self.run.tokens += rows * length * self._crew.size
        return loss.item()

    def _report(self, loss: float) -> None:
        self.run.losses.append(round(loss, 4))
        if not math.isfinite(loss):
            raise FloatingPointError("The loss is no longer a number. Lower the learning rates in optimizer.py.")
        if self.run.steps % _REPORT_STEPS == 0 and self._crew.rank == 0:
            recent = sum(self.run.losses[-_REPORT_STEPS:]) / _REPORT_STEPS
            speed = self.run.tokens / self.run.seconds
            print(
                f"{self.run.seconds / 60:6.1f} min  step {self.run.steps:5d}  {self.run.tokens / 1e6:6.2f} M tokens  "
                f"{speed:6.0f} tokens/s  loss {recent:.3f}",
                flush=True,
            )

    def save(self) -> None:
        """Write the checkpoint so that an interruption never leaves half a file."""
        self._saved = self.run.seconds
        if self._crew.rank > 0:
            return
        part = self._checkpoint.with_suffix(".part")
        torch.save(self._contents(), part)
        part.replace(self._checkpoint)

    def _contents(self) -> dict[str, Any]:
        run = {name: getattr(self.run, name) for name in ("steps", "tokens", "seconds", "losses")}
        return {
            "model": self.model.state_dict(),
            "shape": self.model.shape.to_dict(),
            "optimizers": self._optimizers.state(),
            "run": run,
            "sizes": self._streams.sizes,
        }


def arguments() -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("resources/models"), help="folder of the model and its card")
    parser.add_argument("--work", type=Path, default=Path(".cache/starter"), help="folder of checkpoint and tokenizer")
    parser.add_argument("--docs", type=Path, default=corpus.DOCS, help="folder of the documentation's sources")
    parser.add_argument("--minutes", type=float, default=60, help="time to train for")
    parser.add_argument("--workers", type=int, default=1, help="processes that train side by side, one core each")
    parser.add_argument("--processor", default="a processor", help="how the card names what it was trained on")
    parser.add_argument("--layers", type=int, default=Shape().layers)
    return parser.parse_args()


def work(rank: int, options: argparse.Namespace, found: data.Corpus) -> None:
    """What each worker does; they average their gradients at every step, so all hold the same weights."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    encoder = data.Encoder(vocabulary.load(options.work / "tokenizer.json"))
    crew = Crew(rank, options.workers, options.work / "rendezvous")
    trainer = Trainer(
        Shape(layers=options.layers), partial(data.prepare, found, encoder), options.work, options.minutes, crew
    )
    trainer.train()


def main() -> None:
    """Collect, train the tokenizer, train the network, write model and card."""
    options = arguments()
    options.work.mkdir(parents=True, exist_ok=True)
    found = data.collect(options.docs)
    vocabulary_file = options.work / "tokenizer.json"
    if not vocabulary_file.exists():
        vocabulary.train(data.texts(found)).save(str(vocabulary_file))
    (options.work / "rendezvous").unlink(missing_ok=True)
    torch.multiprocessing.spawn(work, (options, found), nprocs=options.workers)
    publish(options.work, options.out, found, SEED, f"{options.workers} cores of {options.processor}")


if __name__ == "__main__":
    main()
