"""Picture -> vector, as the graph gives it."""

from collections.abc import Sequence

from engine.plugins.api import (
    Accepts,
    ImageInput,
    Json,
    ModelFacts,
    Picture,
    Prepared,
    Recognition,
    Tensors,
    VisionOutput,
    image_feed,
)
from plugins.classify.inputs import gives_vectors, numbers, open_input, prepare

TASK = "features"


class Features:
    """Graphs whose output is wanted as it is."""

    id = "features"

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Take what its card says so of, and graphs without a card whose output is named like a vector."""
        if facts.format != "onnx":
            return None
        task = facts.card.get("task", "")
        guess = not task and image_feed(facts) is not None and gives_vectors(facts)
        if task != TASK and not guess:
            return None
        return Recognition(accepts=frozenset({Accepts.IMAGE}), tasks=(TASK,), confidence=0.2 if guess else 0.5)

    def open(self, facts: ModelFacts) -> "FeaturesFormat":
        """Get ready to use a graph.

        Raises:
            ModelFileError: it takes no images, or a field of its card is wrong.
        """
        return FeaturesFormat(open_input(facts))


class FeaturesFormat:
    """One graph."""

    def __init__(self, spec: ImageInput) -> None:
        """Take how it is fed."""
        self._spec = spec

    @property
    def enough_pixels(self) -> int:
        """Shorter side of a picture that can be made use of."""
        return self._spec.enough_pixels

    def prepare(self, picture: Picture) -> Prepared:
        """Make a tensor of a picture."""
        return prepare(picture, self._spec)

    def finish(
        self, picture_size: tuple[int, int], notes: Json, outputs: Sequence[Tensors], top_k: int
    ) -> VisionOutput:
        """Hand on the first output, as one vector.

        Raises:
            RequestError: it holds no finite numbers.
        """
        return VisionOutput(task=TASK, image_size=picture_size, features=numbers(outputs).reshape(-1))
