"""What loads will take of the machine's memory, before they are done, from what the models' headers say.

Rather too much than too little, since a budget must hold. What a load really took corrects the next estimate of that
file, and, less sure, of other files of its architecture.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.backends.base import CPU_TARGET, DeviceTarget, LoadOptions
from engine.backends.onnx.graph_memory import GraphMemory, graph_memory
from engine.cards import ModelDefaults
from engine.errors import ModelError
from engine.memory.corrections import Corrections
from engine.memory.load_size import Correction, LoadSize
from engine.memory.place import Place, place_of
from engine.models.page_plan import WeightLayout, layout_of
from engine.models.shape import ModelShape, shape_of
from engine.types import ModelInfo

_BELIEVED: Final = 0.75  # of what a load took less than expected
_File = tuple[Path, int]
_Key = tuple[Place, int, int | None, int]

Wishes = Callable[[ModelInfo], ModelDefaults]
"""What a person has set for single models."""


class Estimates:
    """Estimates of all models, kept and corrected.

    Thread: any.

    Attributes:
        wishes: what a person has set for a model.
    """

    def __init__(
        self,
        options: LoadOptions,
        corrections: Corrections | None = None,
        wishes: Wishes = lambda _info: ModelDefaults(),
    ) -> None:
        """Start knowing nothing of files.

        Args:
            options: with which models are loaded.
            corrections: what earlier loads have shown of architectures; None starts with nothing.
            wishes: what a person has set for a model.
        """
        self.wishes = wishes
        self._options = options
        self._corrections = corrections if corrections is not None else Corrections()
        self._lock = threading.Lock()
        self._shapes: dict[_File, ModelShape | None] = {}  # guarded by _lock
        self._layouts: dict[_File, WeightLayout | None] = {}  # guarded by _lock
        self._graphs: dict[_File, GraphMemory | None] = {}  # guarded by _lock
        self._surprises: dict[tuple[Place, int], int] = {}  # guarded by _lock
        self._kept: dict[_Key, int] = {}  # guarded by _lock
        self._paged: dict[_Key, int | None] = {}  # guarded by _lock

    def options(self, info: ModelInfo) -> LoadOptions:
        """With which a model is loaded, as far as that does not depend on what else is in memory."""
        context_tokens = self.wishes(info).context_tokens
        return self._options if context_tokens is None else replace(self._options, context_tokens=context_tokens)

    def of(self, info: ModelInfo, target: DeviceTarget = CPU_TARGET) -> int:
        """What loading a model there will take of the machine's memory; microseconds, but for the first time."""
        key = self._key(info, target)
        with self._lock:
            known = self._kept.get(key)
        if known is None:
            known = self.size(info, target).least_bytes
            with self._lock:
                self._kept[key] = known
        return known

    def paged(self, info: ModelInfo, target: DeviceTarget = CPU_TARGET) -> int | None:
        """What it takes at least if a part of its weights is read in every step; None if that cannot be done."""
        key = self._key(info, target)
        with self._lock:
            if key in self._paged:
                return self._paged[key]
        found = self.size(info, target, is_paged=True).paged_bytes
        with self._lock:
            self._paged[key] = found
        return found

    def size(
        self,
        info: ModelInfo,
        target: DeviceTarget = CPU_TARGET,
        *,
        is_paged: bool = False,
        options: LoadOptions | None = None,
    ) -> LoadSize:
        """All that is known of what a load takes.

        Args:
            info: of the model.
            target: where it is to be loaded.
            is_paged: find out as well whether its weights can be paged.
            options: how; None takes the usual ones.
        """
        shape = self._shape(info)
        return LoadSize(
            info=info,
            shape=shape,
            options=self.options(info) if options is None else options,
            target=target,
            layout=self._layout(info) if is_paged and shape is not None else None,
            graph=self._graph(info),
            correction=self._correction(info, target),
        )

    def allowance(self, info: ModelInfo, target: DeviceTarget, left_bytes: int, *, is_paged: bool = False) -> int:
        """What to tell a backend that it may take, so that all it then takes stays within what is left."""
        if is_paged:  # what is pinned is what is left when all that llama.cpp announces is taken away
            vocabulary = self.size(info, target).within(0).vocabulary
            return max(0, left_bytes - vocabulary)  # a reserve is left for the rest
        return left_bytes

    def learn(self, info: ModelInfo, target: DeviceTarget, allowed_bytes: int, took_bytes: int) -> None:
        """Correct the estimates of a file, and of its architecture, by what a load took that did not page.

        Args:
            info: what was loaded.
            target: where.
            allowed_bytes: what the backend was told that it may take.
            took_bytes: of the machine's memory, with the room that it promises to conversations.
        """
        key = (place_of(info, target), info.size_bytes)
        size = self.size(info, target)
        surprise = size.surprise(allowed_bytes, took_bytes)
        if surprise < 0:  # the next load may take another share of the memory, and what is saved is not the same then
            surprise = int(surprise * _BELIEVED)
        ratios = size.ratios(allowed_bytes, took_bytes)
        if ratios is not None and not target.targets:
            self._corrections.note(info.architecture, ratios)
        with self._lock:
            self._surprises[key] = surprise
            self._kept.clear()
            self._paged.clear()

    def _key(self, info: ModelInfo, target: DeviceTarget) -> _Key:
        return place_of(info, target), info.size_bytes, target.layers, self.options(info).context_tokens

    def _correction(self, info: ModelInfo, target: DeviceTarget) -> Correction:
        with self._lock:
            surprise = self._surprises.get((place_of(info, target), info.size_bytes))
        if surprise is not None:
            return Correction(surprise_bytes=surprise)
        if target.targets or info.format != "gguf":  # graphs have no architecture to learn about
            return Correction()
        kv, compute = self._corrections.ratios(info.architecture)
        return Correction(kv=kv, compute=compute)

    def _shape(self, info: ModelInfo) -> ModelShape | None:
        """What its header says; None if that cannot be read, which whoever loads it will say."""
        key = (info.path, info.size_bytes)
        with self._lock:
            if key in self._shapes:
                return self._shapes[key]
        try:
            shape = shape_of(info)
        except ModelError:
            return None  # not kept: the file may come
        with self._lock:
            self._shapes[key] = shape
        return shape

    def _layout(self, info: ModelInfo) -> WeightLayout | None:
        """Where its weights lie; None if it is no file whose weights can be paged."""
        key = (info.path, info.size_bytes)
        with self._lock:
            if key in self._layouts or info.format != "gguf":
                return self._layouts.get(key)
        layout: WeightLayout | None = None
        with suppress(ModelError):
            layout = layout_of(info.path)
        with self._lock:
            self._layouts[key] = layout
        return layout

    def _graph(self, info: ModelInfo) -> GraphMemory | None:
        key = (info.path, info.size_bytes)
        with self._lock:
            if key in self._graphs or info.format != "onnx":
                return self._graphs.get(key)
        graph: GraphMemory | None = None
        with suppress(ModelError):
            graph = graph_memory(info.path, info.size_bytes)
        with self._lock:
            self._graphs[key] = graph
        return graph
