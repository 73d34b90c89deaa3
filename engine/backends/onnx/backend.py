"""OnnxBackend: opens ONNX files."""

from importlib.metadata import version

from engine.backends.base import LoadedModel, LoadOptions, LoadProgress
from engine.plugins.bundled import bundled_registry
from engine.plugins.registry import Registry
from engine.types import ModelInfo


class OnnxBackend:
    """Runs ONNX models with ONNX Runtime on the CPU."""

    def __init__(self, registry: Registry | None = None) -> None:
        """Make a backend.

        Args:
            registry: the plugins that know what to do with a graph; the bundled ones if not given.
        """
        self._registry = registry

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
            ModelFileError: the file or its card is broken, or the plugin that serves it refuses it.
            CapabilityError: no plugin knows what to do with it.
            OutOfMemoryError: it does not fit.
            EngineError: `progress` cancelled the load.
        """
        # Imported here: the native library and Pillow take a twentieth of a second, which a start-up must not wait for.
        from engine.backends.onnx.loading import load_model

        return load_model(info, self._registry or bundled_registry(), options, progress)
