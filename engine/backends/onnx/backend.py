"""OnnxBackend: opens ONNX files."""

from importlib.metadata import version

from engine.backends.base import LoadedModel, LoadOptions, LoadProgress
from engine.types import ModelInfo


class OnnxBackend:
    """Runs ONNX models with ONNX Runtime on the CPU."""

    @property
    def name(self) -> str:
        """The inference library."""
        return "onnxruntime"

    @property
    def version(self) -> str:
        """Version of the inference library."""
        return version("onnxruntime")

    def load(self, info: ModelInfo, options: LoadOptions, progress: LoadProgress) -> LoadedModel:
        """Load a model; blocks for as long as it takes.

        Thread: loader.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: the file or its card is broken, or the graph is of a kind that cannot be fed.
            OutOfMemoryError: it does not fit.
            EngineError: `progress` cancelled the load.
        """
        # Imported here: the native library and Pillow take a twentieth of a second, which a start-up must not wait for.
        from engine.backends.onnx.loading import load_model

        return load_model(info, options, progress)
