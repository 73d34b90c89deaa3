"""Images through a model without an engine: prepared, run together, finished."""

from collections.abc import Sequence

from engine.backends.base import ImageOutputs, PreparedImage, VisionModel
from engine.errors import EngineError
from engine.types import RecognizeRequest, VisionOutput


def recognize_images(model: VisionModel, requests: Sequence[RecognizeRequest]) -> list[VisionOutput | EngineError]:
    """Recognise images with a loaded model, all on this thread; one that fails gives its own error."""
    prepared = [_prepare(model, request) for request in requests]
    runs = iter(model.run([image for image in prepared if isinstance(image, PreparedImage)]))
    return [
        _finish(model, image, next(runs), request.top_k) if isinstance(image, PreparedImage) else image
        for request, image in zip(requests, prepared, strict=True)
    ]


def _prepare(model: VisionModel, request: RecognizeRequest) -> PreparedImage | EngineError:
    try:
        return model.prepare(request)
    except EngineError as error:
        return error


def _finish(
    model: VisionModel, image: PreparedImage, outputs: ImageOutputs | EngineError, top_k: int
) -> VisionOutput | EngineError:
    if isinstance(outputs, EngineError):
        return outputs
    try:
        return model.finish(image, outputs, top_k)
    except EngineError as error:
        return error
