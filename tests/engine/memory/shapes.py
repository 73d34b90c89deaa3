"""Models that exist only as headers, for tests of what they would take."""

from pathlib import Path

from engine.backends.base import LoadOptions
from engine.backends.onnx.graph_memory import GraphMemory
from engine.memory.load_size import LoadSize
from engine.models.page_plan import Span, WeightLayout
from engine.models.shape import ModelShape
from engine.types import Accepts, ModelInfo

MB = 1_000_000
ALIGNED = 4096
KINDS = {"q8_0": 8.5, "q4_k": 4.5, "f16": 16.0}


def layout(path: Path, layers: int, layer_bytes: int, head_bytes: int) -> WeightLayout:
    """Layers one behind the other, behind a head."""
    start = -(-head_bytes // ALIGNED) * ALIGNED
    spans = tuple(Span(0, start + number * layer_bytes, start + (number + 1) * layer_bytes) for number in range(layers))
    return WeightLayout((path,), spans, (Span(0, 0, head_bytes),), ())


def text_model(
    *,
    layers: int = 8,
    layer_mb: int = 100,
    kind: str = "q8_0",
    kv_bytes: int = 65_536,
    context: int = 4096,
    sequences: int = 4,
    can_page: bool = True,
    accepts: frozenset[Accepts] = frozenset({Accepts.PROMPT}),
) -> LoadSize:
    """A text model of these sizes."""
    path, width, vocabulary = Path("/models/made.gguf"), 2048, 32_000
    layer_bytes, head_bytes = layer_mb * MB, 50 * MB
    size_bytes = layers * layer_bytes + head_bytes
    shape = ModelShape(
        size_bytes=size_bytes,
        parameters=int(8 * size_bytes / KINDS[kind]),
        layers=layers,
        layer_bytes=layers * layer_bytes,
        largest_layer_bytes=layer_bytes,
        head_bytes=head_bytes,
        kv_bytes_per_token=kv_bytes,
        context_tokens=1 << 20,
        width=width,
        vocabulary=vocabulary,
        words=vocabulary,
        step_values=12 * width,
    )
    info = ModelInfo(
        id="made", path=path, format="gguf", name="made", architecture="fake", size_bytes=size_bytes, accepts=accepts
    )
    return LoadSize(
        info=info,
        shape=shape,
        options=LoadOptions(context_tokens=context, max_sequences=sequences),
        layout=layout(path, layers, layer_bytes, head_bytes) if can_page else None,
    )


def graph_model(size_mb: int = 100) -> LoadSize:
    """A graph of this size."""
    info = ModelInfo(
        id="seen", path=Path("/models/seen.onnx"), format="onnx", name="seen", architecture="onnx",
        size_bytes=size_mb * MB, accepts=frozenset({Accepts.IMAGE}),
    )  # fmt: skip
    shape = ModelShape(size_bytes=size_mb * MB)
    return LoadSize(info=info, shape=shape, options=LoadOptions(), graph=GraphMemory(size_mb * MB, 10 * MB))
