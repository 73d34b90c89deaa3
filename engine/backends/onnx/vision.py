"""OnnxVisionModel: decodes images, asks the plugin that serves the model, and runs the graph."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.backends.base import ImageOutputs, PreparedImage, Whereabouts
from engine.backends.onnx.graph_session import GraphSession
from engine.backends.onnx.images import read_image
from engine.backends.onnx.joint_runs import MOST_ROWS, JointRuns
from engine.backends.onnx.plausible import check_output, check_prepared
from engine.errors import InvalidRequestError, RequestError
from engine.plugins.contract.vision import ImageFormat
from engine.plugins.current import Current
from engine.plugins.recognition import is_remote
from engine.types import ModelInfo, RecognizeRequest, VisionOutput


@dataclass(frozen=True, slots=True, eq=False)
class Maker:
    """How a plugin uses the graph, and which plugin that is."""

    image_format: ImageFormat
    plugin: str


class OnnxVisionModel:
    """A vision model in memory.

    Thread: lane; `prepare` and `finish` any other.
    """

    def __init__(self, info: ModelInfo, session: GraphSession, makers: Current[Maker]) -> None:
        """Take an open session, and how the plugin that serves the model uses it."""
        self._info = info
        self._session = session
        self._inputs = session.inputs
        self._makers = makers
        self._batch = session.inputs[0].shape[0] if session.inputs and session.inputs[0].shape else None
        self._runs = JointRuns(session, self._batch)

    @property
    def info(self) -> ModelInfo:
        """The model on disk."""
        return self._info

    @property
    def device(self) -> str:
        """Where it lives."""
        return self._session.device

    @property
    def whereabouts(self) -> Whereabouts:
        """Where it lives, in full."""
        return self._session.whereabouts

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
        return self._batch or MOST_ROWS

    @property
    def asks_outside(self) -> bool:
        """Whether preparing an image, or finishing a result, asks a plugin in a process of its own."""
        return self._makers.is_stale or is_remote(self._makers.latest.image_format)

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from the next run on; see Session.set_threads for large graphs."""
        self._session.set_threads(threads)

    def close(self) -> None:
        """Free everything."""
        self._session.close()

    def prepare(self, request: RecognizeRequest) -> PreparedImage:
        """Decode an image and make of it what the graph is fed.

        Thread: any but the lane.

        Raises:
            InvalidRequestError: `top_k` is below 1.
            ImageError: the image cannot be read.
            EngineError: it cannot be used, or the plugin failed.
        """
        if request.top_k < 1:
            raise InvalidRequestError(f"top_k is {request.top_k}, but must be at least 1.")
        maker = self._makers.get()
        picture = read_image(request.image, maker.image_format.enough_pixels or None)
        prepared = maker.image_format.prepare(picture)
        checked = check_prepared(prepared, self._inputs, maker.plugin)
        return PreparedImage(size=picture.size, prepared=checked, maker=maker)

    def run(self, images: Sequence[PreparedImage]) -> list[ImageOutputs | RequestError]:
        """Run all images together; one that the graph fails on gives its own error and does not spoil the others."""
        return self._runs.run([image.prepared.runs for image in images])

    def finish(self, image: PreparedImage, outputs: ImageOutputs, top_k: int) -> VisionOutput:
        """Make a result of what the graph gave for an image.

        Thread: any but the lane.

        Raises:
            EngineError: the outputs make no sense, or the plugin failed.
        """
        maker = image.maker
        assert isinstance(maker, Maker)
        output = maker.image_format.finish(image.size, image.prepared.notes, outputs, top_k)
        return check_output(output, image.size, top_k, maker.plugin)
