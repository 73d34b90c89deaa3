"""VisionPipeline: from a picture to what a graph is fed, and from what it gives to a result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.plugins.contract.models import ModelFacts, Recognition
from engine.plugins.contract.values import Json
from engine.types import VisionOutput

Pixels: TypeAlias = NDArray[np.uint8]
"""RGB, uint8, shape (rows, columns, 3)."""

Tensors: TypeAlias = Mapping[str, NDArray[Any]]
"""Arrays by the name of an input or output."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An upright picture on white.

    Attributes:
        pixels: uint8, shape (rows, columns, 3); a large JPEG may have been decoded at a half, a quarter or an eighth.
        size: width, height of the original in pixels; results are in these.
    """

    pixels: Pixels
    size: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """What a graph is to be fed for one picture.

    Attributes:
        runs: inputs of each run; axis 0 of every array is the batch. Runs of equal shape, of this picture and of
            others, may be joined into one; the outputs are split again.
        notes: what `finish` needs to know about the preparation; plain data.
    """

    runs: tuple[Tensors, ...]
    notes: Json = None


class ImageFormat(Protocol):
    """How to use one graph. Methods may be called from several threads; keep no state between calls.

    >>> import numpy as np
    >>> from engine.plugins.api import Label, Picture, Prepared, VisionOutput
    >>> class Brightness:
    ...     enough_pixels = 1
    ...     def prepare(self, picture):
    ...         return Prepared(runs=({"mean": picture.pixels.mean((0, 1), np.float32)[None]},))
    ...     def finish(self, picture_size, notes, outputs, top_k):
    ...         label = Label("bright", float(outputs[0]["score"][0]))
    ...         return VisionOutput(task="brightness", image_size=picture_size, labels=(label,))
    >>> Brightness().prepare(Picture(np.full((2, 2, 3), 255, np.uint8), (2, 2))).runs[0]["mean"].shape
    (1, 3)
    >>> Brightness().finish((2, 2), None, [{"score": np.ones(1, np.float32)}], 5).labels[0].score
    1.0
    """

    @property
    def enough_pixels(self) -> int:
        """Shorter side of a picture that can be made use of; 0: all there are."""

    def prepare(self, picture: Picture) -> Prepared:
        """Make tensors of a picture.

        Raises:
            EngineError: it cannot be used; says why.
        """

    def finish(
        self, picture_size: tuple[int, int], notes: Json, outputs: Sequence[Tensors], top_k: int
    ) -> VisionOutput:
        """Make a result of the graph's outputs.

        Args:
            picture_size: width, height of the original.
            notes: as `prepare` returned them.
            outputs: one entry per run, with the batch axis as it was fed.
            top_k: most labels that the caller wants.

        Raises:
            EngineError: the outputs make no sense; says why.
        """


class VisionPipeline(Protocol):
    """A kind of image graph.

    >>> from engine.plugins.api import Accepts, ModelFacts, Recognition
    >>> class Depth:
    ...     id = "depth"
    ...     def recognise(self, facts):
    ...         if facts.card.get("task") != "depth":
    ...             return None
    ...         return Recognition(accepts=frozenset({Accepts.IMAGE}), tasks=("depth",), confidence=1.0)
    ...     def open(self, facts):
    ...         raise NotImplementedError
    >>> Depth().recognise(ModelFacts(file_name="a.onnx", format="onnx", card={"task": "depth"})).tasks
    ('depth',)
    """

    id: str
    """Unique within the plugin: lower case, digits and hyphens."""

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Say what can be done with a graph; None if it is none of ours. Quick, and pure: the result is kept."""

    def open(self, facts: ModelFacts) -> ImageFormat:
        """Get ready to use a graph; called once each time it is loaded.

        Raises:
            EngineError: graph and card contradict each other; says how.
        """
