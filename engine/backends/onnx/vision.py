"""OnnxVisionModel: decodes images, hands them to a pipeline, keeps failures apart."""

from collections.abc import Sequence
from typing import Protocol

from engine.backends.onnx.images import DecodedImage, read_image
from engine.backends.onnx.session import Session
from engine.errors import InvalidRequestError, RequestError
from engine.types import ModelInfo, RecognizeRequest, VisionOutput

MOST_IMAGES = 8
"""Per run, where the graph allows; beyond that a batch on a CPU gains nothing and costs memory."""


class Pipeline(Protocol):
    """What is done with images of one task: prepare, run, interpret."""

    @property
    def enough_pixels(self) -> int:
        """Shorter side of an image that this pipeline can make use of."""

    def run(self, images: Sequence[DecodedImage], top_k: int) -> list[VisionOutput]:
        """Recognise images in one batch.

        Raises:
            RequestError: the graph fails.
        """


class OnnxVisionModel:
    """A vision model in memory.

    Thread: lane.
    """

    def __init__(self, info: ModelInfo, session: Session, pipeline: Pipeline, batch: int | None) -> None:
        """Take an open session; `batch` is the number of images per run that the graph prescribes, None if free."""
        self._info = info
        self._session = session
        self._pipeline = pipeline
        self._batch = batch

    @property
    def info(self) -> ModelInfo:
        """The model on disk."""
        return self._info

    @property
    def device(self) -> str:
        """Where it lives."""
        return self._session.device

    @property
    def backend(self) -> str:
        """The inference library."""
        return "onnxruntime"

    @property
    def memory_bytes(self) -> int:
        """Bytes by which the process grew for it."""
        return self._session.memory_bytes

    @property
    def max_batch(self) -> int:
        """Most images per run."""
        return MOST_IMAGES if self._batch is None else self._batch

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from the next run on; see Session.set_threads for large graphs."""
        self._session.set_threads(threads)

    def close(self) -> None:
        """Free everything."""
        self._session.close()

    def recognize(self, requests: Sequence[RecognizeRequest]) -> list[VisionOutput | RequestError]:
        """Run all images as one batch; a broken image gives its own error and does not spoil the others."""
        outcomes: dict[int, VisionOutput | RequestError] = {}
        images: dict[int, DecodedImage] = {}
        for index, request in enumerate(requests):
            try:
                images[index] = self._decode(request)
            except RequestError as error:
                outcomes[index] = error
        indexes = list(images)
        for start in range(0, len(indexes), self.max_batch):
            chunk = indexes[start : start + self.max_batch]
            top_k = max(requests[index].top_k for index in chunk)
            results = self._run([images[index] for index in chunk], top_k)
            outcomes |= {i: _shorten(result, requests[i].top_k) for i, result in zip(chunk, results, strict=True)}
        return [outcomes[index] for index in range(len(requests))]

    def _decode(self, request: RecognizeRequest) -> DecodedImage:
        if request.top_k < 1:
            raise InvalidRequestError(f"top_k is {request.top_k}, but must be at least 1.")
        return read_image(request.image, self._pipeline.enough_pixels)

    def _run(self, images: list[DecodedImage], top_k: int) -> Sequence[VisionOutput | RequestError]:
        try:
            return self._pipeline.run(images, top_k)
        except RequestError as error:
            if len(images) == 1:
                return [error]
        return [outcome for image in images for outcome in self._run([image], top_k)]  # find out which one it was


def _shorten(outcome: VisionOutput | RequestError, top_k: int) -> VisionOutput | RequestError:
    if isinstance(outcome, RequestError) or outcome.labels is None or len(outcome.labels) <= top_k:
        return outcome
    return VisionOutput(task=outcome.task, image_size=outcome.image_size, labels=outcome.labels[:top_k])
