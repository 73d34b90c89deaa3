"""Quantizing GGUF files: what Hearth's own process does of it, which is to start a child, watch it and end it."""

import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import psutil

from engine.backends.process.process import DeviceProcess
from engine.errors import DeviceLostError, JobError, ModelError, OutOfMemoryError
from engine.jobs import JobControl
from engine.models.ggml import FILE_TYPES
from engine.models.gguf import read_header
from engine.quality import Recipe
from engine.quantize.importances import ImportanceShelf
from engine.quantize.planning import outcome_of, tensors_of
from engine.quantize.recipes import recipe_of
from engine.quantize.stage import StageControl

_WORKER: Final = "engine.backends.llama.quantizing:QuantizingWorker"
_SIGN_OF_LIFE_S: Final = 120.0  # it gives one four times a second; a machine that swaps may take longer
_LEAST_FREE_BYTES: Final = 192 << 20
_IMPORTANCE_SHARE: Final = 0.5  # of the time, where importances have to be measured
_FULL_BYTES: Final = 1 << 20


def quantize_gguf(
    source: Path,
    target_part: Path,
    recipe: str,
    calibration: Path | None,
    control: JobControl,
    *,
    cache: Path | None = None,
    source_digest: str = "",
) -> None:
    """Write a smaller model; returns when all of it is in the file, which nobody has synced yet.

    Args:
        source: the model in F16, BF16 or F32, or the first of its files; only read.
        target_part: file to write.
        recipe: id of the recipe.
        calibration: a text to see which weights matter; None takes the one that comes with Hearth.
        control: of the job.
        cache: folder for importances that can be used again; None keeps none.
        source_digest: of the source's content, to know them by; empty keeps none.

    Raises:
        JobStopped: the job has to end.
        CapabilityError: the source is quantized already, or the text cannot be used.
        ModelFileError: the source is damaged.
        ModelError: the disk is full.
        OutOfMemoryError: the machine ran out of memory.
        JobError: the quantizer failed; the source is as it was.
    """
    chosen = recipe_of(recipe, "gguf")
    outcome_of(source, chosen)  # which refuses what cannot be quantized
    child = _Child(source)
    try:
        with tempfile.TemporaryDirectory(prefix="hearth-quantize-") as folder:
            shelf = ImportanceShelf(Path(folder) if cache is None or not source_digest else cache, source_digest)
            found, begin = None, 0.0
            if chosen.needs_calibration:
                stage = StageControl(control, 0.0, _IMPORTANCE_SHARE, "Finding out which weights matter")
                found, begin = shelf.importances(child, calibration, stage), _IMPORTANCE_SHARE
            stage = StageControl(control, begin, 1.0, f"Making {chosen.name}")
            child.call("quantize", _order(child, chosen, target_part, found), stage)
    except JobError as error:
        raise _full(target_part, error) from error
    finally:
        child.close()
    _check_result(target_part, source)


class _Child:
    """The process that does it.

    Attributes:
        source: the model.
        threads: that it uses.

    Thread: the job's.
    """

    def __init__(self, source: Path) -> None:
        self.source, self.threads = source, _threads()
        self._process = DeviceProcess(_WORKER, source.name)
        self._is_starving = False

    def call(self, name: str, body: Any, control: JobControl) -> Any:
        """Let it do something; ends it when the job has to end, or the machine's memory does."""

        def told(fraction: float) -> bool:
            control.tell(round(fraction * 1000), 1000)
            self._is_starving = psutil.virtual_memory().available < _LEAST_FREE_BYTES
            return not (control.is_stopping or self._is_starving)

        try:
            return self._process.call(name, body, within_s=_SIGN_OF_LIFE_S, on_told=told)[0]
        except DeviceLostError as error:
            control.check()
            if self._is_starving:
                raise OutOfMemoryError(
                    f"There was not enough memory to quantize {self.source.name}.",
                    "Close other programs, and try again.",
                ) from error
            raise JobError(f"{error.cause.rstrip('.')} while it quantized.", "The source is as it was.") from error

    def close(self) -> None:
        """End it."""
        self._process.close()


def _order(child: _Child, recipe: Recipe, target: Path, importances: Path | None) -> dict[str, str | int]:
    """What the child is told; of a recipe llama.cpp's number."""
    return {
        "source": str(child.source),
        "target": str(target),
        "type": next(number for number, name in FILE_TYPES.items() if name == recipe.id.upper()),
        "threads": child.threads,
        "importances": str(importances or ""),
    }


def _threads() -> int:
    """All cores: whoever needs one meanwhile comes first."""
    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return max(1, allowed or 1)


def _full(target: Path, error: JobError) -> ModelError | JobError:
    """The quantizer does not say that it was the disk."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(target.parent).free < _FULL_BYTES:
            return ModelError("The disk became full while the smaller model was written.", "Free some space.")
    return error


def _check_result(result: Path, source: Path) -> None:
    """Make sure that the file is whole, and holds what its source does.

    Raises:
        JobError: it does not.
    """
    try:
        names = {tensor.name for tensor in read_header(result).tensors}
    except ModelError as error:
        raise JobError(f"The result is not whole: {error.cause}", "Try again.") from error
    if names != {tensor.name for tensor in tensors_of(source)}:
        raise JobError("The result lacks some of the weights of its source.", "Try another recipe.")
