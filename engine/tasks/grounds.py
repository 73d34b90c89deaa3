"""Grounds: what answers of a model rest on, found out without loading it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from engine.backends.base import Backend
from engine.build import build_info
from engine.memory.answers.key import Ground, ModelGround, ServingPlugin
from engine.models.fingerprint import Fingerprints
from engine.models.library import ModelLibrary, variants_in
from engine.plugins.infos import PluginInfo
from engine.plugins.registry import Registry
from engine.requests import Sampling
from engine.types import ModelInfo

_FRESH_S: Final = 1.0
"""How long a name stands for the same files without a look at all folders. What changes in the files themselves is
noticed at once."""
_MOST_NAMES: Final = 1024


class Grounds:
    """Finds out what answers rest on; costs microseconds for a model that was asked for a moment ago.

    Thread: `of` on one thread; `recommended` on any.
    """

    def __init__(
        self,
        library: ModelLibrary,
        backends: Mapping[str, Backend],
        registry: Registry,
        plugins: Callable[[], Sequence[PluginInfo]],
        context_tokens: int,
    ) -> None:
        """Make it.

        Args:
            library: finds models.
            backends: by format.
            registry: knows when plugins come and go.
            plugins: all that there are.
            context_tokens: of the settings.
        """
        self._library = library
        self._backends = backends
        self._registry = registry
        self._plugins = plugins
        self._context_tokens = context_tokens
        self._program = build_info().version
        self._fingerprints = Fingerprints()
        self._named: dict[str, tuple[float, tuple[int, int], tuple[ModelInfo, ...]]] = {}
        self._libraries: dict[str, str] = {}
        self._recommended: dict[str, tuple[Sampling, ...]] = {}

    def of(self, name: str) -> Ground:
        """What answers of a model rest on.

        Raises:
            EngineError: there is no such model, or it cannot be used.
            OSError: a file of it cannot be read.
        """
        infos = self._infos(name)
        plugins = {info.id: info for info in self._plugins()}
        models = tuple(self._model(info, plugins) for info in infos)
        contexts = [self._library.wishes(info).context_tokens or self._context_tokens for info in infos]
        return Ground(models, min(contexts), self._program)

    def recommended(self, name: str) -> Sequence[Sampling] | None:
        """What the authors of a model recommended when it was last asked for; None if it never was."""
        return self._recommended.get(name)

    def _infos(self, name: str) -> tuple[ModelInfo, ...]:
        now_s, version = time.monotonic(), (self._registry.version, self._library.notes.version)
        known = self._named.get(name)
        if known is not None and now_s - known[0] < _FRESH_S and known[1] == version:
            return known[2]
        infos = variants_in(self._library, name)
        if len(self._named) >= _MOST_NAMES:
            self._named.clear()
            self._recommended = {}
        self._named[name] = (now_s, version, infos)
        self._recommended[name] = tuple(info.sampling for info in infos)
        return infos

    def _model(self, info: ModelInfo, plugins: Mapping[str, PluginInfo]) -> ModelGround:
        return ModelGround(
            fingerprint=self._fingerprints.of(info.path),
            library=self._library_of(info.format),
            plugins=tuple(_serving(name, plugins.get(name)) for name in info.plugins),
            sampling=info.sampling,
        )

    def _library_of(self, kind: str) -> str:
        if kind not in self._libraries:
            backend = self._backends.get(kind)
            self._libraries[kind] = "" if backend is None else f"{backend.name} {backend.version}"
        return self._libraries[kind]


def _serving(name: str, info: PluginInfo | None) -> ServingPlugin:
    if info is None:
        return ServingPlugin(name)
    return ServingPlugin(name, info.version, info.digest, info.settings)
