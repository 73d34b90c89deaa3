"""From a file to a loaded model: ask the plugins what to do with it, and open the graph."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from engine.backends.base import LoadOptions, LoadProgress
from engine.backends.onnx.embedding import OnnxEmbeddingModel
from engine.backends.onnx.graph_session import GraphSession
from engine.backends.onnx.opening import open_session
from engine.backends.onnx.remote_session import WORKER
from engine.backends.onnx.vision import Maker, OnnxVisionModel
from engine.backends.text_formats import open_text_formats
from engine.errors import EngineError
from engine.models.onnx_card import find_tokenizer
from engine.models.onnx_facts import facts_of
from engine.plugins.contract.models import ModelFacts
from engine.plugins.current import Current
from engine.plugins.registry import Registry
from engine.types import Accepts, ModelInfo

Model = TypeVar("Model", OnnxVisionModel, OnnxEmbeddingModel)


def load_model(
    info: ModelInfo,
    registry: Registry,
    options: LoadOptions,
    progress: LoadProgress,
    cache: Path | None = None,
    worker: str = WORKER,
) -> OnnxVisionModel | OnnxEmbeddingModel:
    """Load an ONNX model.

    Thread: loader.

    Args:
        info: the model on disk.
        registry: the plugins that know what to do with it.
        options: how to load it; the target decides whether it runs in this process (`opening.is_plain`).
        progress: may cancel the load.
        cache: folder of graphs that were compiled for devices; None keeps none.
        worker: `module:class` of what runs in a device process.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: the file or its card is broken, or the plugin that serves it refuses it.
        CapabilityError: no plugin knows what to do with it.
        OutOfMemoryError: it does not fit.
        DeviceError: the device is not there, was lost, or refuses the graph.
        EngineError: `progress` cancelled it.
    """

    def open_graph() -> GraphSession:
        goes_on = partial(progress, 0.5)
        return open_session(info.path, options.threads, options.target, cache, worker=worker, goes_on=goes_on)

    if not progress(0.0):
        raise _cancelled(info)
    facts = facts_of(info.path)
    if Accepts.TEXTS in registry.serve(facts, wait=True).accepts:
        texts = open_text_formats(registry, facts)
        tokenizer = find_tokenizer(info.path)
        return _opened(info, open_graph, progress, lambda s: OnnxEmbeddingModel(info, s, tokenizer, texts))
    makers = Current(registry, facts, lambda served: (served.pipeline,), lambda facts: _maker(registry, facts))
    return _opened(info, open_graph, progress, lambda session: OnnxVisionModel(info, session, makers))


def _maker(registry: Registry, facts: ModelFacts) -> Maker:
    image_format = registry.open_image(facts)
    return Maker(image_format, next(iter(registry.serve(facts).plugins), ""))


def _opened(
    info: ModelInfo,
    open_graph: Callable[[], GraphSession],
    progress: LoadProgress,
    build: Callable[[GraphSession], Model],
) -> Model:
    session = open_graph()
    try:
        model = build(session)
        if not progress(1.0):
            raise _cancelled(info)
    except BaseException:
        session.close()  # it may have a process of its own
        raise
    return model


def _cancelled(info: ModelInfo) -> EngineError:
    return EngineError(f"Loading {info.name} was cancelled.")
