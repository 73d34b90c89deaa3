"""How well a model foretells a text, and how far its expectations are from those of the model it was made from.

The method is that of llama.cpp's `perplexity` program with `--kl-divergence`: the text is cut into windows of equal
length, each is read from its beginning, and the tokens of its second half are scored, so that each has at least half a
window before it. The source's expectations (log-probabilities of all tokens, as 16-bit floats) go to a file, and the
result is compared with them row by row. So one model at a time is in memory, and one block of rows.

Thread: one, in a process of its own.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.backends.llama.context import DecodeContext
from engine.backends.llama.measured_model import open_measured
from engine.backends.llama.vocabulary import Vocabulary
from engine.backends.process.child import Answer, Method, Tell
from engine.backends.process.frames import Payload
from engine.backends.process.ticks import Progress, ticks
from engine.backends.scores import ResultOrder, SourceOrder, TextScore
from engine.errors import CapabilityError, EngineError, ModelFileError
from engine.types import FloatArray

WINDOW: Final = 512
FEWEST_TOKENS: Final = 16
"""Of a text; less says nothing."""
_CHUNK: Final = 128  # tokens of a decode: the logits of all of them are in memory at once
_BLOCK: Final = 16  # rows that are turned into probabilities at once
_LOADED: Final = 0.2  # of the progress


class ScoringWorker:
    """Scores one model; the calls are `source` and `result`."""

    def methods(self) -> dict[str, Method]:
        """The calls that it takes, by name."""
        return {"source": self.source, "result": self.result}

    def source(self, body: Any, _payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Score a source, and write its expectations down; takes a SourceOrder."""
        with ticks(tell) as progress:
            score, windows = score_source(SourceOrder(**body), progress)
        return {"score": asdict(score), "windows": windows}, ()

    def result(self, body: Any, _payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Score a result; takes a ResultOrder."""
        with ticks(tell) as progress:
            return {"score": asdict(score_result(ResultOrder(**body), progress))}, ()


def score_source(order: SourceOrder, progress: Progress) -> tuple[TextScore, list[list[int]]]:
    """Score a source, and write its expectations down.

    Returns:
        Its score, and the windows that it was scored on.

    Raises:
        CapabilityError: it does not write text, or cuts the text into too few tokens.
        ModelFileError: it is broken.
        OutOfMemoryError: it does not fit.
    """
    with _opened(Path(order.path), order.threads, progress) as model:
        began_s = perf_counter()
        windows = model.windows(order.text)
        row_bytes = 2 * model.vocabulary.size
        kept: list[list[int]] = []
        nats = written = 0.0
        tokens = 0
        with Path(order.rows).open("wb") as file:
            for number, window in enumerate(windows):
                written += row_bytes * _scored_tokens(window)
                is_late = kept and perf_counter() - began_s > order.limit_s
                if kept and (is_late or written > order.most_bytes):
                    break
                for logits, following in model.rows(window):
                    expected = log_probabilities(logits)
                    file.write(expected.astype(np.float16).data)
                    nats -= float(expected[np.arange(len(following)), following].sum(dtype=np.float64))
                    tokens += len(following)
                kept.append(window)
                progress.share = _LOADED + (1 - _LOADED) * (number + 1) / len(windows)
    return TextScore(tokens=tokens, nats=nats / tokens, same_top=tokens), kept


def score_result(order: ResultOrder, progress: Progress) -> TextScore:
    """Compare a result with what its source expected.

    Raises:
        ModelFileError: it is broken, or was not made from this source.
        OutOfMemoryError: it does not fit.
    """
    with _opened(Path(order.path), order.threads, progress) as model:
        size = model.vocabulary.size
        tokens = sum(_scored_tokens(window) for window in order.windows)
        if Path(order.rows).stat().st_size != 2 * size * tokens:
            raise ModelFileError("The result has other words than its source.", "Make it again.")
        known = np.memmap(order.rows, np.float16, "r", shape=(tokens, size))
        nats = divergence = 0.0
        same = at = 0
        for number, window in enumerate(order.windows):
            for logits, following in model.rows(window):
                theirs, ours = known[at : at + len(following)], log_probabilities(logits)
                nats -= float(ours[np.arange(len(following)), following].sum(dtype=np.float64))
                divergence += float(kl_divergence(theirs, ours).sum())
                same += int((np.argmax(theirs, axis=1) == np.argmax(ours.astype(np.float16), axis=1)).sum())
                at += len(following)
            progress.share = _LOADED + (1 - _LOADED) * (number + 1) / len(order.windows)
    return TextScore(tokens=tokens, nats=nats / tokens, kl_nats=divergence / tokens, same_top=same)


def log_probabilities(logits: FloatArray) -> FloatArray:
    """Log-softmax of each row, float32, shape as given; `logits` are not changed."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    sums = np.exp(shifted).sum(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray(shifted - np.log(sums).astype(np.float32), dtype=np.float32)


def kl_divergence(theirs: NDArray[np.float16], ours: FloatArray) -> NDArray[np.float64]:
    """Kullback-Leibler divergence of each row, nats: what the source expected, against what the result does.

    Args:
        theirs: log-probabilities of the source, rounded; what rounding took from their sum is put back.
        ours: log-probabilities of the result, float32, same shape.
    """
    expected = theirs.astype(np.float32)
    weight = np.exp(expected)
    total = weight.sum(axis=1, dtype=np.float64)
    apart = (weight * (expected - ours)).sum(axis=1, dtype=np.float64)
    return np.asarray(np.maximum(0.0, apart / total - np.log(total)))


def _scored_tokens(window: Sequence[int]) -> int:
    return len(window) - len(window) // 2 - 1


class _OpenModel:
    """A model that reads windows."""

    def __init__(self, context: DecodeContext, vocabulary: Vocabulary, window: int) -> None:
        self._context, self.vocabulary, self._window = context, vocabulary, window

    def windows(self, text: str) -> list[list[int]]:
        """Cut a text into windows of equal length; each begins as a text does, where the model wants that.

        Raises:
            CapabilityError: it has too few tokens.
        """
        begin = self.vocabulary.bos_tokens
        tokens = self.vocabulary.tokenize(text, add_special=False, parse_special=False)
        if len(tokens) < FEWEST_TOKENS:
            raise CapabilityError(f"The held-out text has only {len(tokens)} tokens for this model.")
        length = min(self._window, len(tokens) + len(begin)) - len(begin)
        return [[*begin, *tokens[at : at + length]] for at in range(0, len(tokens) - length + 1, length)]

    def rows(self, window: list[int]) -> Iterator[tuple[FloatArray, NDArray[np.int64]]]:
        """Read a window; yields logits of a few tokens of its second half, with the tokens that follow these.

        Raises:
            EngineError: the model fails, or gives something that is no number.
        """
        context, batch, first = self._context, self._context.batch, len(window) // 2
        context.kv.clear(0)
        for start in range(0, len(window), _CHUNK):
            end = min(start + _CHUNK, len(window))
            batch.clear()
            batch.add_chunk(window[start:end], start, 0, last=False)
            wanted = range(max(start, first), min(end, len(window) - 1))
            if wanted:
                batch.wanted[wanted.start - start : wanted.stop - start] = 1
                batch.outputs = len(wanted)
            if not context.decode():
                raise EngineError("llama.cpp found no room for a window of text.")
            if not wanted:
                continue
            logits = context.logits()
            if not np.isfinite(logits).all():
                raise ModelFileError("The model computes values that are no numbers.", "Make it again.")
            following = np.array(window[wanted.start + 1 : wanted.stop + 1], np.int64)
            for at in range(0, len(wanted), _BLOCK):
                yield logits[at : at + _BLOCK], following[at : at + _BLOCK]


@contextmanager
def _opened(path: Path, threads: int, progress: Progress) -> Iterator[_OpenModel]:
    """Open a model as it is opened for use, with a context for one window.

    Raises:
        EngineError: it cannot be opened, or writes no text.
    """

    def loaded(fraction: float) -> bool:
        progress.share = _LOADED * fraction
        return True

    with open_measured(path, threads, WINDOW, _CHUNK, loaded) as model:
        yield _OpenModel(model.context, model.vocabulary, model.most_tokens)
