"""What several tests of quantizing share."""

from collections.abc import Iterable
from pathlib import Path

import llama_cpp.llama_cpp as llama
import numpy as np

from engine.backends.base import LoadOptions
from engine.backends.llama.context import DecodeContext
from engine.backends.llama.vocabulary import Vocabulary
from engine.backends.llama.weights import open_context, open_weights
from engine.background import JobUnit
from engine.jobs import JobControl, Spec
from engine.models.gguf import read_header
from engine.models.gguf_info import describe
from resources import models_dir

STARTER = models_dir() / "starter.gguf"


class Told:
    """A control of a job that notes what it is told."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.shares: list[float] = []
        self.details: list[str] = []
        self._stop_at = stop_at
        self.control = JobControl(self._tell, self._save)

    def _tell(self, done: int, total: int, _unit: JobUnit, detail: str) -> None:
        self.shares.append(done / total if total else 0.0)
        self.details.append(detail)
        if self._stop_at is not None and done >= self._stop_at:
            self.control.stop()

    def _save(self, _spec: Spec) -> None: ...


def log_probabilities(path: Path, text: str, chunks: int = 8) -> list[np.ndarray]:
    """Of every next token, chunk by chunk."""
    weights = open_weights(describe(read_header(path), path.stem), LoadOptions(threads=1), lambda _fraction: True)
    vocabulary = Vocabulary(weights.handle)
    params = llama.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = params.n_outputs_max = 512
    params.n_threads = params.n_threads_batch = 1
    context = DecodeContext(open_context(weights, params), vocabulary.size, 1)
    tokens = vocabulary.tokenize(text, add_special=False, parse_special=False)
    found = []
    for at in range(0, min(len(tokens), chunks * 255), 255):
        chunk = vocabulary.bos_tokens + tokens[at : at + 255]
        context.kv.clear(0)
        context.batch.clear()
        context.batch.add_chunk(chunk, 0, 0, last=False)
        context.batch.wanted[: len(chunk)] = 1
        context.batch.outputs = len(chunk)
        context.decode()
        logits = context.logits().astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        found.append(logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))
    context.free()
    weights.free()
    return found


def divergence(before: Iterable[np.ndarray], after: Iterable[np.ndarray]) -> float:
    """Mean Kullback-Leibler divergence, nats."""
    pairs = zip(before, after, strict=True)
    return float(np.mean([np.mean((np.exp(a) * (a - b)).sum(axis=1)) for a, b in pairs]))
