"""OnnxBackend: opens ONNX files."""

from pathlib import Path

from engine.backends.base import LoadedModel, LoadOptions, LoadProgress
from engine.backends.onnx.providers import CPU, package_version
from engine.backends.onnx.remote_session import WORKER
from engine.plugins.bundled import bundled_registry
from engine.plugins.registry import Registry
from engine.types import ModelInfo


class OnnxBackend:
    """Runs ONNX models with ONNX Runtime: on the processor in this process, on devices in processes of their own."""

    def __init__(self, registry: Registry | None = None, *, cache: Path | None = None, worker: str = WORKER) -> None:
        """Make a backend.

        Args:
            registry: the plugins that know what to do with a graph; the bundled ones if not given.
            cache: folder for graphs that were compiled for a device; if not given, they are compiled at every load.
            worker: `module:class` of what runs in a device process.
        """
        self._registry = registry
        self._cache = cache
        self._worker = worker

    @property
    def name(self) -> str:
        """The inference library."""
        return "onnxruntime"

    @property
    def version(self) -> str:
        """Version of the inference library, whichever package it came in."""
        return package_version(CPU)

    def load(self, info: ModelInfo, options: LoadOptions, progress: LoadProgress) -> LoadedModel:
        """Load a model; blocks for as long as it takes.

        Thread: loader.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: the file or its card is broken, or the plugin that serves it refuses it.
            CapabilityError: no plugin knows what to do with it.
            OutOfMemoryError: it does not fit.
            DeviceError: the device is not there, was lost, or refuses the graph.
            EngineError: `progress` cancelled the load.
        """
        # Imported here: the native library and Pillow take a twentieth of a second, which a start-up must not wait for.
        from engine.backends.onnx.loading import load_model

        return load_model(info, self._registry or bundled_registry(), options, progress, self._cache, self._worker)
