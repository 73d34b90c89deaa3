"""LlamaBackend: opens GGUF files."""

from collections.abc import Callable
from pathlib import Path

from engine.backends.base import LoadedModel, LoadOptions, LoadProgress
from engine.plugins.bundled import bundled_registry
from engine.plugins.registry import Registry
from engine.types import ModelInfo


class LlamaBackend:
    """Runs GGUF models with llama.cpp: on the processor in this process, on other devices in processes of their own."""

    def __init__(
        self, registry: Registry | None = None, modules: Path | None = None, cache: Path | None = None
    ) -> None:
        """Make a backend.

        Args:
            registry: knows the words of models; the bundled plugins' if not given.
            modules: folder of llama.cpp's loadable backends; None if there is none.
            cache: folder for what is found out once; None finds it out anew.
        """
        self._registry = registry
        self._modules = modules
        self._cache = cache
        self._check_paging: Callable[[], str] | None = None

    @property
    def name(self) -> str:
        """The inference library."""
        return "llama.cpp"

    @property
    def version(self) -> str:
        """Version of the Python binding, which names the llama.cpp inside."""
        from importlib.metadata import version  # it drags in the email package, which a start-up need not wait for

        return version("llama-cpp-python")

    def load(self, info: ModelInfo, options: LoadOptions, progress: LoadProgress) -> LoadedModel:
        """Load a model; blocks for as long as it takes.

        Thread: loader.

        Raises:
            ModelFileError: the file is broken or of an unknown kind.
            OutOfMemoryError: it does not fit.
            DeviceLostError: the device is gone.
            CapabilityError: no plugin knows it, or it is neither a text generator nor an embedding model.
            EngineError: `progress` cancelled the load, or a plugin refuses the model.
        """
        # Imported here: loading the native library takes a third of a second, which a start-up must not wait for.
        from engine.backends.llama.loading import Surroundings, load_model
        from engine.backends.llama.paging.self_check import SelfCheck

        if self._check_paging is None:
            self._check_paging = SelfCheck(self._cache / "paging.json" if self._cache is not None else None)
        registry = self._registry if self._registry is not None else bundled_registry()
        around = Surroundings(registry=registry, modules=self._modules, check_paging=self._check_paging)
        return load_model(info, options, progress, around)
