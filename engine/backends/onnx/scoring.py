"""How well a smaller graph does what its source does: on the same pictures or texts, as they are used.

Pictures go through the plugin that serves the model, so that what is compared is what a person would see: lines of
text, labels, what was found where, or a vector. Thread: one, in a process of its own.
"""

import difflib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any, Final

import numpy as np

from engine.backends.base import LoadOptions
from engine.backends.onnx.backend import OnnxBackend
from engine.backends.onnx.embedding import OnnxEmbeddingModel
from engine.backends.onnx.vision import OnnxVisionModel
from engine.backends.process.child import Answer, Method, Tell
from engine.backends.process.frames import Payload
from engine.backends.process.ticks import ticks
from engine.backends.scores import GraphScore
from engine.errors import CapabilityError, EngineError, RequestError
from engine.models.onnx import describe
from engine.types import FloatArray, RecognizeRequest, VisionOutput

_MOST_TIMED: Final = 96  # pictures or texts of a run that is timed
_RUN_S: Final = 1.0  # that a run takes, about, at most
_FEWEST_RUNS: Final = 2
_OVERLAP: Final = 0.5
"""Of two boxes, over both together: at least so much, and they are the same thing."""

Model = OnnxVisionModel | OnnxEmbeddingModel


class GraphScoringWorker:
    """A source and a result in one process; the calls are `open`, `pictures`, `texts`, `time` and `memory`.

    Thread: one.
    """

    def __init__(self) -> None:
        self._models: list[Model] = []
        self._pictures: list[bytes] = []
        self._texts: list[str] = []
        self._timed = 0  # pictures or texts of a run; the first side that is timed decides

    def methods(self) -> dict[str, Method]:
        """The calls that it takes, by name."""
        return {
            "open": self.open,
            "pictures": self.pictures,
            "texts": self.texts,
            "time": self.time,
            "memory": self.memory,
        }

    def open(self, body: Any, _payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Open both; takes `paths` and `threads`, returns whether they look at pictures.

        Raises:
            EngineError: one cannot be opened, or no plugin knows how to use it.
        """
        with ticks(tell) as progress:
            for name in body["paths"]:
                path = Path(name)
                options = LoadOptions(threads=int(body["threads"]))
                model = OnnxBackend().load(describe(path, path.stem), options, lambda _fraction: True)
                if not isinstance(model, OnnxVisionModel | OnnxEmbeddingModel):
                    raise CapabilityError(f"{path.name} neither looks at pictures nor makes vectors.")
                self._models.append(model)
                progress.share += 1 / len(body["paths"])
        return {"seeing": isinstance(self._models[0], OnnxVisionModel)}, ()

    def memory(self, _body: Any, _payloads: Sequence[Payload], _tell: Tell) -> Answer:
        """The bytes that each takes by now."""
        return [model.memory_bytes for model in self._models], ()

    def pictures(self, says: Any, payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Show pictures to both; takes what each says (None where nobody knows), the payloads are the files."""
        self._pictures = [bytes(payload) for payload in payloads]
        with ticks(tell) as progress:
            seen: list[list[VisionOutput]] = []
            for model in self._models:
                assert isinstance(model, OnnxVisionModel)
                seen.append([])
                for picture in self._pictures:
                    seen[-1].append(_seen(model, picture))
                    progress.share += 1 / (len(self._models) * len(self._pictures))
        return asdict(compare_seen(seen[0], seen[1], says)), ()

    def texts(self, body: Any, _payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Let both make vectors of texts."""
        self._texts = list(body)
        with ticks(tell) as progress:
            made = []
            for model in self._models:
                assert isinstance(model, OnnxEmbeddingModel)
                made.append(model.embed(self._texts)[0])
                progress.share += 1 / len(self._models)
        return asdict(compare_vectors(made[0], made[1])), ()

    def time(self, body: Any, _payloads: Sequence[Payload], tell: Tell) -> Answer:
        """Pictures or texts per second of one model; takes its `side` and `least_s`, the seconds to time at least.

        Preparing a picture, and making a result of what the graph gives, are not the graph's and are not timed.
        """
        model, least_s = self._models[body["side"]], float(body["least_s"])
        with ticks(tell):
            if not self._timed:
                self._timed = max(1, min(_MOST_TIMED, int(_RUN_S * _rate(self._work(model, 1), 0.0))))
            count = min(self._timed, len(self._pictures) or len(self._texts))
            return count * _rate(self._work(model, count), least_s), ()

    def _work(self, model: Model, count: int) -> Callable[[], object]:
        """What is timed: a run over so many pictures or texts."""
        if isinstance(model, OnnxEmbeddingModel):
            return partial(model.embed, self._texts[:count])
        requests = [RecognizeRequest(model="", image=picture) for picture in self._pictures[:count]]
        return partial(model.run, [model.prepare(request) for request in requests])


def compare_seen(
    source: Sequence[VisionOutput], result: Sequence[VisionOutput], says: Sequence[str | None]
) -> GraphScore:
    """Compare what two models say about the same pictures.

    Args:
        source: what the source says.
        result: what the result says.
        says: the text that is in each picture; None where nobody knows.
    """
    pairs = list(zip(source, result, strict=True))
    likeness = [likeness_of(ours, theirs) for ours, theirs in pairs]
    score = GraphScore(
        count=len(pairs), same=sum(prefer_same(ours, theirs) for ours, theirs in pairs), likeness=fmean(likeness)
    )
    known = [number for number, text in enumerate(says) if text is not None]
    if not known or any(output.lines is None for output in source):
        return score
    right = [
        characters_right([str(says[number]) for number in known], [_one_line(outputs[number]) for number in known])
        for outputs in (source, result)
    ]
    return GraphScore(
        count=score.count, same=score.same, likeness=score.likeness, source_right=right[0], result_right=right[1]
    )


def compare_vectors(source: FloatArray, result: FloatArray) -> GraphScore:
    """Compare the vectors that two models make of the same texts, shape (texts, dimensions) each."""
    ours, theirs = _unit(source), _unit(result)
    near = [np.where(np.eye(len(unit), dtype=bool), -2.0, unit @ unit.T).argmax(axis=1) for unit in (ours, theirs)]
    return GraphScore(
        count=len(ours),
        same=int((near[0] == near[1]).sum()),
        likeness=float(np.clip((ours * theirs).sum(axis=1), 0.0, 1.0).mean()),
    )


def prefer_same(source: VisionOutput, result: VisionOutput) -> bool:
    """Whether two models say the same of a picture: the first label, the text, what was found, nearly the vector."""
    if source.labels or result.labels:
        first = [output.labels[0].name if output.labels else "" for output in (source, result)]
        return first[0] == first[1]
    if source.lines is not None:
        return source.text == result.text
    return likeness_of(source, result) >= 0.99


def likeness_of(source: VisionOutput, result: VisionOutput) -> float:
    """How alike two results are, in [0, 1]."""
    if source.labels is not None:
        return float(prefer_same(source, result))
    if source.lines is not None:
        return difflib.SequenceMatcher(None, source.text, result.text, autojunk=False).ratio()
    if source.detections is not None:
        return _shared_things(source, result)
    if source.mask is not None and result.mask is not None and source.mask.shape == result.mask.shape:
        return float((source.mask == result.mask).mean())
    if source.features is not None and result.features is not None:
        ours, theirs = _unit(source.features[np.newaxis]), _unit(result.features[np.newaxis])
        return float(np.clip((ours * theirs).sum(), 0.0, 1.0))
    return 0.0  # they are of different kinds


def characters_right(says: Sequence[str], read: Sequence[str]) -> float:
    """Share of characters that were read right: 1 - edit distance per character, at least 0."""
    mistakes = sum(edit_distance(text, other) for text, other in zip(says, read, strict=True))
    return max(0.0, 1 - mistakes / max(1, sum(len(text) for text in says)))


def edit_distance(first: str, second: str) -> int:
    """Fewest insertions, deletions and replacements that turn one text into the other (Levenshtein 1966)."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


def _seen(model: OnnxVisionModel, picture: bytes) -> VisionOutput:
    prepared = model.prepare(RecognizeRequest(model="", image=picture))
    [outputs] = model.run([prepared])
    if isinstance(outputs, RequestError):
        raise outputs
    return model.finish(prepared, outputs, 5)


def _one_line(output: VisionOutput) -> str:
    return " ".join(output.text.split())


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), dtype=np.float32)


def _shared_things(source: VisionOutput, result: VisionOutput) -> float:
    """Of all that either found, the share that both found: of the same name, at about the same place."""
    ours, theirs = list(source.detections or ()), list(result.detections or ())
    total = len(ours) + len(theirs)
    shared = 0
    for thing in ours:
        for other in theirs:
            if other.name == thing.name and overlap(thing.box, other.box) >= _OVERLAP:
                theirs.remove(other)
                shared += 1
                break
    return 2 * shared / total if total else 1.0


def overlap(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Intersection over union of two boxes: left, top, right, bottom."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return shared / (areas - shared) if areas > shared else 0.0


def _rate(work: Callable[[], object], least_s: float) -> float:
    """How often something is done per second."""
    work()
    began_s, done = perf_counter(), 0
    while done < _FEWEST_RUNS or perf_counter() - began_s < least_s:
        if isinstance(outcomes := work(), list) and any(isinstance(one, RequestError) for one in outcomes):
            raise EngineError("The graph failed on a picture while it was timed.")
        done += 1
    return done / (perf_counter() - began_s)
