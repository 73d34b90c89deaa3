"""Runs of one graph on what several images feed it: joined where their shapes allow, and taken apart again.

A batch of two or more gains little on a CPU, but what one run costs besides its arithmetic is paid once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.backends.base import ImageOutputs
from engine.backends.onnx.graph_session import Array, GraphSession
from engine.errors import RequestError
from engine.plugins.contract.vision import Tensors

MOST_ROWS: Final = 8
"""Per run, where the graph allows; beyond that a batch on a CPU gains nothing and costs memory."""
MOST_BYTES: Final = 64 << 20
"""Of the inputs of such a run, unless a single one is larger."""
SMALL_BYTES: Final = 1 << 20
"""Of the inputs of a run of more rows: small things, such as lines of text, are joined in any number up to this."""


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """One run of one image; `rows` of its batch axis, None if its inputs have no common one."""

    image: int
    number: int
    feeds: Tensors
    rows: int | None

    @property
    def kind(self) -> tuple[object, ...]:
        """Equal for runs that can be joined."""
        if self.rows is None:
            return (self.image, self.number)
        return tuple(sorted((name, array.shape[1:], array.dtype.str) for name, array in self.feeds.items()))

    @property
    def row_bytes(self) -> int:
        """Of the inputs, per row."""
        return max(1, sum(array.nbytes for array in self.feeds.values()) // max(1, self.rows or 1))


class JointRuns:
    """Runs a graph for several images at once.

    Thread: lane.
    """

    def __init__(self, session: GraphSession, batch: int | None) -> None:
        """Take an open session; `batch` is the number of rows per run that the graph prescribes, None if free."""
        self._session = session
        self._batch = batch
        self._axes: dict[str, int] = {}  # of the batch, by output, as far as a run has shown it
        self._joins = True

    def run(self, images: Sequence[Sequence[Tensors]]) -> list[ImageOutputs | RequestError]:
        """Run everything; an image whose run fails gets the error, the others their outputs.

        Args:
            images: the runs of each image, inputs by name; axis 0 is the batch.
        """
        outputs: list[list[Tensors]] = [[{}] * len(runs) for runs in images]
        errors: dict[int, RequestError] = {}
        for batch in self._batches(images):
            for run, outcome in zip(batch, self._run(batch), strict=True):
                if isinstance(outcome, RequestError):
                    errors.setdefault(run.image, outcome)
                else:
                    outputs[run.image][run.number] = outcome
        return [errors.get(index, found) for index, found in enumerate(outputs)]

    def _batches(self, images: Sequence[Sequence[Tensors]]) -> Iterator[list[_Run]]:
        kinds: dict[tuple[object, ...], list[_Run]] = {}
        for image, runs in enumerate(images):
            for number, feeds in enumerate(runs):
                run = _Run(image, number, feeds, _rows(feeds))
                kinds.setdefault(run.kind, []).append(run)
        for alike in kinds.values():
            yield from _packed(alike, self._most_rows(alike[0].row_bytes))

    def _most_rows(self, row_bytes: int) -> int:
        if not self._joins:
            return 1
        if self._batch is not None:
            return self._batch
        return max(1, min(MOST_ROWS, MOST_BYTES // row_bytes), SMALL_BYTES // row_bytes)

    def _run(self, batch: Sequence[_Run]) -> list[Tensors | RequestError]:
        try:
            return list(self._run_together(batch))
        except RequestError as error:
            if len(batch) == 1:
                return [error]
        return [outcome for run in batch for outcome in self._run([run])]  # find out which one it was

    def _run_together(self, batch: Sequence[_Run]) -> Iterable[Tensors]:
        feeds = {name: np.concatenate([run.feeds[name] for run in batch]) for name in batch[0].feeds}
        rows = sum(run.rows or 0 for run in batch)
        if self._batch is not None and batch[0].rows is not None:
            if rows > self._batch:
                raise RequestError(f"The model takes {self._batch} images at a time, but is fed {rows}.")
            feeds = {name: _padded(array, self._batch) for name, array in feeds.items()}
        outputs = self._numbers(feeds)
        if len(batch) == 1 and (self._batch is None or self._batch == rows):
            for name, array in outputs.items():
                self._axis(name, array, rows)
            return [outputs]
        return self._split(outputs, [run.rows or 0 for run in batch], self._batch or rows)

    def _numbers(self, feeds: Tensors) -> dict[str, Array]:
        arrays = zip((item.name for item in self._session.outputs), self._session.run(feeds), strict=True)
        outputs = {name: array for name, array in arrays if array.dtype.kind in "fiub"}
        if not outputs:
            raise RequestError("No output of the model is an array of numbers.")
        return outputs

    def _split(self, outputs: Tensors, counts: Sequence[int], rows: int) -> list[Tensors]:
        parts: list[dict[str, Array]] = [{} for _ in counts]
        for name, array in outputs.items():
            axis = self._axis(name, array, rows)
            if axis is None:
                self._joins = len(counts) == 1 and self._joins  # its outputs cannot be told apart: one by one from now
                if len(counts) > 1:
                    raise RequestError(f"The model's output {name} of shape {array.shape} has no row per image.")
                parts[0][name] = array
                continue
            ends = np.cumsum(counts)
            for part, start, end in zip(parts, ends - counts, ends, strict=True):
                part[name] = array[start:end] if axis == 0 else array[:, start:end]
        return list(parts)

    def _axis(self, name: str, array: Array, rows: int) -> int | None:
        """The axis of the batch: the first, or the second, where a recurrent graph puts time first."""
        found = [axis for axis, side in enumerate(array.shape[:2]) if side == rows]
        if len(found) == 1:
            self._axes[name] = found[0]
        return self._axes.get(name, 0) if len(found) == 2 else next(iter(found), None)


def _rows(feeds: Tensors) -> int | None:
    counts = {array.shape[0] if array.ndim else None for array in feeds.values()}
    return counts.pop() if len(counts) == 1 else None


def _packed(runs: Sequence[_Run], most_rows: int) -> Iterator[list[_Run]]:
    """Group runs in their order, at most this many rows together, unless one run alone has more."""
    batch: list[_Run] = []
    for run in runs:
        if batch and sum(other.rows or 1 for other in [*batch, run]) > most_rows:
            yield batch
            batch = []
        batch.append(run)
    if batch:
        yield batch


def _padded(array: Array, rows: int) -> Array:
    """Repeat the last row until there are `rows`."""
    missing = rows - len(array)
    return np.concatenate([array, np.repeat(array[-1:], missing, axis=0)]) if missing > 0 and len(array) else array
