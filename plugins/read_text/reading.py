"""Picture -> lines of text: find the lines, read them, drop what is no text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.plugins.api import (
    Accepts,
    Card,
    ImageInput,
    Json,
    ModelFacts,
    ModelFileError,
    Picture,
    Prepared,
    Recognition,
    RequestError,
    Tensors,
    TextLine,
    VisionOutput,
    image_input,
    probabilities,
    to_tensor,
)
from plugins.read_text.ctc import greedy_decode

TASK = "reading"
LEAST_SCORE = 0.7
"""Mean probability of a line's characters; textures read as text have 0.67 or less in 97 of 100 cases, text has 0.8."""
LEAST_SIGN_SCORE = 0.45
"""The same for a line of one character, which may have a twin: `l` and `I`, `0` and `O` share their probability."""
ENOUGH_PIXELS = 2400
"""Shorter side of a photographed page that still shows its small print."""
USUAL_HEIGHT = 32
"""Rows of a line where neither card nor graph says."""


class Reading:
    """Line readers whose output is decoded by CTC."""

    id = "read-text"

    def recognise(self, facts: ModelFacts) -> Recognition | None:
        """Take what its card calls a reader."""
        if facts.format != "onnx" or facts.card.get("task") != TASK:
            return None
        return Recognition(accepts=frozenset({Accepts.IMAGE}), tasks=(TASK,), confidence=0.5)

    def open(self, facts: ModelFacts) -> "ReadingFormat":
        """Get ready to use a graph.

        Raises:
            ModelFileError: it takes no images, a field of its card is wrong, or the graph has another number of
                classes than the card has characters.
        """
        card = Card(facts)
        charset = card.text("charset")
        if not charset:
            raise card.wrong("charset", "the characters that the model reads")
        if len(set(charset)) < len(charset):
            raise card.wrong("charset", "characters that occur once each")
        spec = image_input(facts, side=(USUAL_HEIGHT, None))
        shape = facts.outputs[0].shape if facts.outputs else ()
        if len(shape) != 3 or shape[-1] not in {None, len(charset) + 1}:
            raise ModelFileError(
                f"The card has {len(charset)} characters, so the graph should have {len(charset) + 1} classes in the "
                f"last of three axes, but its output has the shape {shape}.",
                "Correct the charset in the card.",
            )
        return ReadingFormat(spec, charset)


class ReadingFormat:
    """One reader."""

    def __init__(self, spec: ImageInput, charset: str) -> None:
        """Take how it is fed, and what its classes stand for."""
        self._spec = spec
        self._charset = charset

    @property
    def enough_pixels(self) -> int:
        """Enough for the small print of a page."""
        return ENOUGH_PIXELS

    def prepare(self, picture: Picture) -> Prepared:
        """Cut the lines out; a run for each, noted with its place."""
        from plugins.read_text.crops import cut_lines  # drags in Pillow, which a start-up need not wait for

        crops = cut_lines(picture, self._spec.height or USUAL_HEIGHT, self._spec.width)
        return Prepared(
            runs=tuple({self._spec.name: to_tensor(crop.pixels, self._spec)} for crop in crops),
            notes=[list(crop.box) for crop in crops],
        )

    def finish(
        self, picture_size: tuple[int, int], notes: Json, outputs: Sequence[Tensors], top_k: int
    ) -> VisionOutput:
        """Decode the lines, and leave out what is no text.

        Raises:
            RequestError: the outputs do not fit the charset.
        """
        assert isinstance(notes, list)
        lines: list[TextLine] = []
        for box, output in zip(notes, outputs, strict=True):
            assert isinstance(box, list)
            left, top, right, bottom = (side for side in box if isinstance(side, int))
            text, score = self._decode(next(iter(output.values())))
            if text and score >= (LEAST_SCORE if len(text) > 1 else LEAST_SIGN_SCORE):
                lines.append(TextLine(text, score, (left, top, right, bottom)))
        return VisionOutput(task=TASK, image_size=picture_size, lines=tuple(lines))

    def _decode(self, output: NDArray[Any]) -> tuple[str, float]:
        """Read one line; its frames are in axis 1, or in axis 0, as recurrent models are often exported."""
        if output.ndim != 3 or output.shape[2] != len(self._charset) + 1 or 1 not in output.shape[:2]:
            raise RequestError(f"The model's output of shape {output.shape} does not fit its card.")
        frames = output[0] if output.shape[0] == 1 else output[:, 0]
        return greedy_decode(probabilities(frames.astype(np.float32, copy=False)), self._charset)
