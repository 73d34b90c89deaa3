"""Checks of what a plugin hands over: a stranger's nonsense becomes an error that names the plugin."""

import math
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, Final, TypeVar

import numpy as np

from engine.backends.onnx.graph_session import TensorInfo
from engine.errors import PluginError
from engine.plugins.contract.vision import Prepared
from engine.types import Detection, Label, TextLine, VisionOutput

MOST_RUNS: Final = 4_096
MOST_INPUT_BYTES: Final = 1 << 30
MOST_ENTRIES: Final = 10_000
MOST_LETTERS: Final = 10_000
MOST_MASK_PIXELS: Final = 64_000_000
MOST_FEATURES: Final = 1 << 24

_Entry = TypeVar("_Entry", Label, TextLine, Detection)


def check_prepared(prepared: object, inputs: Sequence[TensorInfo], plugin: str) -> Prepared:
    """Return what a pipeline prepared.

    Raises:
        PluginError: it is not what the graph can be fed.
    """
    if not isinstance(prepared, Prepared) or len(prepared.runs) > MOST_RUNS:
        raise _wrong(plugin, "prepares an image in a way that cannot be used")
    names = {item.name for item in inputs}
    for run in prepared.runs:
        if set(run) != names:
            raise _wrong(plugin, f"feeds {', '.join(map(str, run)) or 'nothing'} instead of {', '.join(sorted(names))}")
        for name, array in run.items():
            if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub" or not array.size:
                raise _wrong(plugin, f"feeds no numbers as {name}")
    if sum(array.nbytes for run in prepared.runs for array in run.values()) > MOST_INPUT_BYTES:
        raise _wrong(plugin, f"feeds more than {MOST_INPUT_BYTES >> 20} MiB for one image")
    return prepared


def check_output(output: object, size: tuple[int, int], top_k: int, plugin: str) -> VisionOutput:
    """Return what a pipeline made of an image: scores in [0, 1], places within the image, at most `top_k` labels.

    Raises:
        PluginError: it is of the wrong type, far too much, or no number.
    """
    if not isinstance(output, VisionOutput) or not isinstance(output.task, str) or not output.task.isprintable():
        raise _wrong(plugin, "returns no result")
    labels = _entries(output.labels, Label, plugin)
    lines = _entries(output.lines, TextLine, plugin)
    detections = _entries(output.detections, Detection, plugin)
    _check_mask(output, plugin)
    _check_features(output.features, plugin)
    return replace(
        output,
        image_size=size,
        labels=None if labels is None else labels[:top_k],
        lines=None if lines is None else tuple(replace(line, box=_box(line.box, size, plugin)) for line in lines),
        detections=None
        if detections is None
        else tuple(replace(item, box=_box(item.box, size, plugin)) for item in detections),
    )


def _entries(entries: object, kind: type[_Entry], plugin: str) -> tuple[_Entry, ...] | None:
    if entries is None:
        return None
    if not isinstance(entries, tuple | list) or len(entries) > MOST_ENTRIES:
        raise _wrong(plugin, f"returns no list of at most {MOST_ENTRIES:,} results")
    checked: list[_Entry] = []
    for entry in entries:
        if not isinstance(entry, kind):
            raise _wrong(plugin, f"returns {type(entry).__name__} among its results")
        text = entry.text if isinstance(entry, TextLine) else entry.name
        if not isinstance(text, str) or len(text) > MOST_LETTERS:
            raise _wrong(plugin, "returns a text that is none, or too long")
        checked.append(replace(entry, score=_score(entry.score, plugin)))
    return tuple(checked)


def _score(score: object, plugin: str) -> float:
    if not isinstance(score, Real) or not math.isfinite(score) or not -0.01 <= float(score) <= 1.01:
        raise _wrong(plugin, f"returns {str(score)[:40]} as a score, which must be in 0 to 1")
    return min(max(float(score), 0.0), 1.0)


def _box(box: Any, size: tuple[int, int], plugin: str) -> tuple[int, int, int, int]:
    if not isinstance(box, tuple | list) or len(box) != 4 or not all(isinstance(side, Integral) for side in box):
        raise _wrong(plugin, "returns a place that is not four whole numbers")
    left, top, right, bottom = (int(side) for side in box)
    if left > right or top > bottom:
        raise _wrong(plugin, f"returns a place that ends before it begins: {left} {top} {right} {bottom}")
    width, height = size
    return min(max(left, 0), width), min(max(top, 0), height), min(max(right, 0), width), min(max(bottom, 0), height)


def _check_mask(output: VisionOutput, plugin: str) -> None:
    names, mask = output.mask_names, output.mask
    if not isinstance(names, tuple | list) or len(names) > 255 or not all(isinstance(name, str) for name in names):
        raise _wrong(plugin, "returns no names for its mask")
    if mask is None:
        return
    if not isinstance(mask, np.ndarray) or mask.dtype != np.uint8 or mask.ndim != 2:
        raise _wrong(plugin, "returns a mask that is no table of bytes")
    if not 0 < mask.size <= MOST_MASK_PIXELS:
        raise _wrong(plugin, f"returns a mask of {mask.shape[0]} x {mask.shape[1]} pixels")
    if int(mask.max()) > len(names):
        raise _wrong(plugin, f"returns a mask with the value {int(mask.max())}, but only {len(names)} names")


def _check_features(features: object, plugin: str) -> None:
    if features is None:
        return
    if not isinstance(features, np.ndarray) or features.dtype != np.float32 or features.ndim != 1:
        raise _wrong(plugin, "returns features that are no vector of numbers")
    if not 0 < features.size <= MOST_FEATURES or not np.isfinite(features).all():
        raise _wrong(plugin, "returns features that are no finite numbers")


def _wrong(plugin: str, what: str) -> PluginError:
    return PluginError(plugin, f"The plugin {plugin} {what}.", "Its author has to correct it.")
