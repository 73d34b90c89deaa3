"""From a file to a loaded model: ask the plugins what to do with it, and open the graph."""

from collections.abc import Callable
from typing import TypeVar

from engine.backends.base import LoadOptions, LoadProgress
from engine.backends.onnx.embedding import OnnxEmbeddingModel
from engine.backends.onnx.session import Session
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
    info: ModelInfo, registry: Registry, options: LoadOptions, progress: LoadProgress
) -> OnnxVisionModel | OnnxEmbeddingModel:
    """Load an ONNX model.

    Thread: loader.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: the file or its card is broken, or the plugin that serves it refuses it.
        CapabilityError: no plugin knows what to do with it.
        OutOfMemoryError: it does not fit.
        EngineError: `progress` cancelled it.
    """
    if not progress(0.0):
        raise _cancelled(info)
    facts = facts_of(info.path)
    if Accepts.TEXTS in registry.serve(facts, wait=True).accepts:
        texts = open_text_formats(registry, facts)
        return _opened(info, options, progress, lambda s: OnnxEmbeddingModel(info, s, find_tokenizer(info.path), texts))
    makers = Current(registry, facts, lambda served: (served.pipeline,), lambda facts: _maker(registry, facts))
    return _opened(info, options, progress, lambda session: OnnxVisionModel(info, session, makers))


def _maker(registry: Registry, facts: ModelFacts) -> Maker:
    image_format = registry.open_image(facts)
    return Maker(image_format, next(iter(registry.serve(facts).plugins), ""))


def _opened(info: ModelInfo, options: LoadOptions, progress: LoadProgress, build: Callable[[Session], Model]) -> Model:
    session = Session(info.path, options.threads)
    try:
        model = build(session)
        if not progress(1.0):
            raise _cancelled(info)
    except EngineError:
        session.close()
        raise
    return model


def _cancelled(info: ModelInfo) -> EngineError:
    return EngineError(f"Loading {info.name} was cancelled.")
