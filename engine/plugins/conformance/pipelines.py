"""What is looked at in a vision pipeline."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.plugins.conformance.inputs import graph_facts, model_facts
from engine.plugins.conformance.pictures import pictures
from engine.plugins.conformance.recognising import OPEN_MS, RECOGNISE_MS, check_open, check_recognise, recognised
from engine.plugins.conformance.trial import BreachError, Check, Trial, examine, require
from engine.plugins.contract.models import ModelFacts, Recognition, TensorFacts
from engine.plugins.contract.vision import ImageFormat, Picture, Prepared, Tensors, VisionPipeline
from engine.types import Detection, TextLine, VisionOutput

PICTURE_MS: Final = 1000.0
_TOP_K: Final = 3
_FREE_SIDE: Final = 5  # of outputs whose shape the graph leaves open

Opened = list[tuple[ImageFormat, ModelFacts, Recognition]]


def examine_pipeline(pipeline: VisionPipeline, examples: Sequence[ModelFacts]) -> Iterator[Check]:
    """Look at a vision pipeline.

    Args:
        pipeline: which one.
        examples: facts of files that the caller has at hand, in addition to made-up ones.
    """
    name = f"pipeline:{pipeline.id}"
    shapes: tuple[tuple[int | None, ...], ...] = ((None, 3, 64, 64), (None, 3))
    named = [graph_facts({"task": pipeline.id, "labels": ["cat", "dog"]}, shape) for shape in shapes]
    facts = [*examples, *named, *model_facts()]
    yield examine(
        f"{name} recognise",
        lambda trial: check_recognise(trial, pipeline.recognise, facts, is_image=True),
        RECOGNISE_MS,
    )
    ours = recognised(pipeline.recognise, facts)
    opened: Opened = []
    yield examine(f"{name} open", lambda trial: check_open(trial, pipeline.open, ours, opened), OPEN_MS)
    if opened:
        yield examine(f"{name} prepare and finish", lambda trial: _look(trial, opened), PICTURE_MS)


def _look(trial: Trial, opened: Opened) -> None:
    seen = 0
    for image_format, facts, _ in opened:
        require(image_format.enough_pixels >= 0, "has a negative `enough_pixels`")
        for picture in pictures():
            prepared = trial.call(image_format.prepare, picture)
            if not isinstance(prepared, EngineError):
                _check_prepared(prepared, facts)
                seen += _finish(trial, image_format, picture, prepared, facts)
    if not seen:
        trial.note = "no picture and made-up output had a result; each was refused with a sentence"


def _check_prepared(prepared: Prepared, facts: ModelFacts) -> None:
    require(isinstance(prepared, Prepared), f"prepare returns a {type(prepared).__name__}")
    names = {tensor.name for tensor in facts.inputs}
    for run in prepared.runs:
        require(run.keys() <= names, f"prepare feeds {sorted(run.keys() - names)}, which the graph does not have")
        require(
            all(isinstance(array, np.ndarray) and array.ndim > 0 for array in run.values()), "prepare feeds no arrays"
        )
        require(len({array.shape[0] for array in run.values()}) <= 1, "prepare feeds batches of different sizes")
    try:
        json.dumps(prepared.notes, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BreachError(f"prepare leaves notes that JSON cannot hold: {error}") from error


def _finish(trial: Trial, image_format: ImageFormat, picture: Picture, prepared: Prepared, facts: ModelFacts) -> int:
    """How many made-up outputs became results."""
    done = 0
    for fill in ("zeros", "numbers", "nothing a number"):
        outputs = [_outputs(facts.outputs, run, fill) for run in prepared.runs]
        result = trial.call(image_format.finish, picture.size, prepared.notes, outputs, _TOP_K)
        if not isinstance(result, EngineError):
            done += 1
            _check_output(result, picture.size)
    return done


def _outputs(tensors: Iterable[TensorFacts], run: Tensors, fill: str) -> dict[str, NDArray[Any]]:
    batch = next((array.shape[0] for array in run.values()), 1)
    numbers = np.random.default_rng(1)
    arrays: dict[str, NDArray[Any]] = {}
    for tensor in tensors:
        shape = [batch, *(_FREE_SIDE if side is None else side for side in tensor.shape[1:])]
        if fill == "numbers":
            arrays[tensor.name] = numbers.normal(size=shape).astype(tensor.dtype)
        else:
            is_float = np.issubdtype(np.dtype(tensor.dtype), np.floating)
            arrays[tensor.name] = np.full(shape, math.nan if fill != "zeros" and is_float else 0, tensor.dtype)
    return arrays


def _check_output(output: VisionOutput, size: tuple[int, int]) -> None:
    require(isinstance(output, VisionOutput), f"finish returns a {type(output).__name__}")
    require(output.image_size == size, f"finish gives the picture the size {output.image_size}, not {size}")
    labels = output.labels or ()
    boxed: list[TextLine | Detection] = [*(output.lines or ()), *(output.detections or ())]
    scores = [label.score for label in labels] + [found.score for found in boxed]
    require(len(labels) <= _TOP_K, f"finish gives {len(labels)} labels, though at most {_TOP_K} are wanted")
    require(all(0 <= score <= 1 for score in scores), "finish gives a score that is not in [0, 1]")
    for found in boxed:
        left, top, right, bottom = found.box
        is_inside = 0 <= left <= right <= size[0] and 0 <= top <= bottom <= size[1]
        require(is_inside, f"finish gives the box {found.box}, which is not inside a picture of {size}")
    if output.mask is not None:
        is_mask = output.mask.ndim == 2 and output.mask.dtype == np.uint8
        require(is_mask and int(output.mask.max(initial=0)) <= len(output.mask_names), "finish gives a wrong mask")
