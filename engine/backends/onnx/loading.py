"""From a file to a loaded model: open the graph, read its card, choose what to do with its output."""

from pathlib import Path
from typing import Literal

from engine.backends.base import LoadOptions, LoadProgress
from engine.backends.onnx.classification import Classification
from engine.backends.onnx.embedding import OnnxEmbeddingModel
from engine.backends.onnx.features import Features
from engine.backends.onnx.preprocess import ImageInput
from engine.backends.onnx.reading import Reading
from engine.backends.onnx.session import Session, TensorInfo
from engine.backends.onnx.vision import OnnxVisionModel, Pipeline
from engine.errors import EngineError, ModelFileError
from engine.models.onnx import OnnxCard, find_tokenizer, read_card
from engine.models.onnx_card import card_path
from engine.types import ModelInfo

GUESSED_SIDE = 224
"""Side of an image in pixels when neither card nor graph says: what most classifiers were trained with."""

REMEDY = "Describe its input in a card, a JSON file of the same name beside it."


def load_model(info: ModelInfo, options: LoadOptions, progress: LoadProgress) -> OnnxVisionModel | OnnxEmbeddingModel:
    """Load an ONNX model.

    Thread: loader.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: the file or its card is broken, or the graph is of a kind that cannot be fed.
        OutOfMemoryError: it does not fit.
        EngineError: `progress` cancelled it.
    """
    if not progress(0.0):
        raise _cancelled(info)
    card = read_card(info.path)
    session = Session(info.path, options.threads)
    try:
        model = _build(info, card, session)
        if not progress(1.0):
            raise _cancelled(info)
    except EngineError:
        session.close()
        raise
    return model


def _cancelled(info: ModelInfo) -> EngineError:
    return EngineError(f"Loading {info.name} was cancelled.")


def _build(info: ModelInfo, card: OnnxCard, session: Session) -> OnnxVisionModel | OnnxEmbeddingModel:
    if card.task == "embedding":
        return OnnxEmbeddingModel(info, session, find_tokenizer(info.path))
    feed = _image_feed(info.path, session)
    spec = image_input(card, feed, guess=not card_path(info.path).exists())
    return OnnxVisionModel(info, session, _pipeline(card, session, spec), batch=feed.shape[0])


def _pipeline(card: OnnxCard, session: Session, spec: ImageInput) -> Pipeline:
    if card.task == "reading":
        return Reading(session, spec, card.charset)
    if card.task == "features":
        return Features(session, spec)
    return Classification(session, spec, card.labels)


def _image_feed(path: Path, session: Session) -> TensorInfo:
    """The one input of a vision graph.

    Raises:
        ModelFileError: there are several inputs, or it is no batch of images.
    """
    feed = session.inputs[0] if len(session.inputs) == 1 else None
    if feed is None or len(feed.shape) != 4 or feed.dtype not in {"tensor(float)", "tensor(float16)", "tensor(uint8)"}:
        shown = "; ".join(f"{item.name} {item.dtype} with {len(item.shape)} axes" for item in session.inputs)
        raise ModelFileError(f"The model {path.name} does not take images: its input is {shown or 'nothing'}.", REMEDY)
    return feed


def image_input(card: OnnxCard, feed: TensorInfo, *, guess: bool) -> ImageInput:
    """Complete the card from the graph.

    Args:
        card: of the model, or its defaults.
        feed: the input, four axes.
        guess: there is no card, so layout and channels are read off the graph.

    Raises:
        ModelFileError: card and graph contradict each other.
    """
    layout: Literal["NCHW", "NHWC"] = card.layout
    if guess and feed.shape[3] in {1, 3} and feed.shape[1] not in {1, 3}:
        layout = "NHWC"
    depth, rows, columns = _sides(feed, layout)
    grey = depth == 1 if guess else card.channels == "L"
    if depth not in {None, 1 if grey else 3}:
        raise ModelFileError(f"The model wants images of {depth} channels, which is not supported.", REMEDY)
    reads = card.task == "reading"
    height = rows or card.size[0] or GUESSED_SIDE
    width = columns or card.size[1] or (None if reads else GUESSED_SIDE)
    if (card.size[0] or height, card.size[1] or width) != (height, width):
        raise ModelFileError(
            f"The card says {card.size[0]} x {card.size[1]}, but the graph {rows} x {columns}.", REMEDY
        )
    return ImageInput(
        height=height,
        width=width,
        layout=layout,
        channels="L" if grey else card.channels,
        mean=(0.0,) if guess and grey else card.mean,
        std=(1.0,) if guess and grey else card.std,
        resize=card.resize,
    )


def _sides(feed: TensorInfo, layout: str) -> tuple[int | None, int | None, int | None]:
    """Channels, rows and columns of an input."""
    _, *sides = feed.shape
    depth, rows, columns = sides if layout == "NCHW" else (sides[2], sides[0], sides[1])
    return depth, rows, columns
