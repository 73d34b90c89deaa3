"""ImageInput: what a graph wants to be fed, from its card and its header."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

from engine.errors import ModelFileError
from engine.plugins.contract.models import ModelFacts, TensorFacts
from engine.plugins.imaging.card import Card

Layout = Literal["NCHW", "NHWC"]
Channels = Literal["RGB", "BGR", "L"]
Resize = Literal["stretch", "crop", "fit"]

REMEDY: Final = "Describe its input in a card, a JSON file of the same name beside it."

_TYPES: Final = ("float32", "float16", "uint8")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInput:
    """What a graph wants to be fed.

    Attributes:
        name: of the input.
        dtype: of its numbers: `float32`, `float16`, or `uint8` for graphs that scale for themselves.
        height: rows; None is free.
        width: columns; None is free.
        layout: order of its axes.
        channels: order of the colours, or `L` for grey levels.
        mean: subtracted from values in 0..1, one per channel.
        std: divides what is left, one per channel.
        resize: `stretch` ignores the aspect ratio, `crop` cuts the edges off, `fit` pads.
        border: RGB of the padding of `fit`; None is the mean colour.
    """

    name: str = "image"
    dtype: str = "float32"
    height: int | None
    width: int | None
    layout: Layout = "NCHW"
    channels: Channels = "RGB"
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)
    resize: Resize = "stretch"
    border: tuple[int, int, int] | None = None

    @property
    def depth(self) -> int:
        """Number of channels."""
        return 1 if self.channels == "L" else 3

    @property
    def enough_pixels(self) -> int:
        """Twice the larger side, so that a reduced JPEG is still scaled down smoothly; 0 where a side is free."""
        return 2 * max(self.height, self.width) if self.height and self.width else 0


def image_feed(facts: ModelFacts) -> TensorFacts | None:
    """The one input of a graph that takes images; None if it takes something else, or more than one thing."""
    feed = facts.inputs[0] if len(facts.inputs) == 1 else None
    return feed if feed and len(feed.shape) == 4 and feed.dtype in _TYPES else None


def image_input(
    facts: ModelFacts,
    *,
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0),
    std: tuple[float, float, float] = (1.0, 1.0, 1.0),
    resize: Resize = "stretch",
    side: tuple[int | None, int | None] = (224, 224),
    border: tuple[int, int, int] | None = None,
) -> ImageInput:
    """Say how to feed images to a graph: as its card says, else as its header does, else as the caller supposes.

    Args:
        facts: of the graph; the card's fields are size, layout, channels, mean, std, resize.
        mean: of graphs that take RGB and whose card names none.
        std: likewise.
        resize: where the card says nothing.
        side: height and width where neither card nor graph says; None leaves it free.
        border: RGB of the padding of `fit`.

    Raises:
        ModelFileError: the graph takes no images, a field of the card is wrong, or both contradict each other.
    """
    feed, card = image_feed(facts), Card(facts)
    if feed is None:
        shown = "; ".join(f"{item.name} {item.dtype} with {len(item.shape)} axes" for item in facts.inputs)
        raise ModelFileError(
            f"The model {facts.file_name} does not take images: its input is {shown or 'nothing'}.", REMEDY
        )
    layout = card.choice("layout", get_args(Layout), _layout(feed))
    depth, rows, columns = _sides(feed, layout)
    channels: Channels = card.choice("channels", get_args(Channels), "L" if depth == 1 else "RGB")
    count = 1 if channels == "L" else 3
    if depth not in {None, count}:
        raise ModelFileError(f"The model wants images of {depth} channels, which is not supported.", REMEDY)
    plain = channels != "RGB"
    spec = ImageInput(
        name=feed.name,
        dtype=feed.dtype,
        height=rows or card.size()[0] or side[0],
        width=columns or card.size()[1] or side[1],
        layout=layout,
        channels=channels,
        mean=card.numbers("mean", count, (0.0,) * count if plain else mean),
        std=card.numbers("std", count, (1.0,) * count if plain else std),
        resize=card.choice("resize", get_args(Resize), resize),
        border=border,
    )
    _check(spec, card, (rows, columns))
    return spec


def _check(spec: ImageInput, card: Card, graph: tuple[int | None, int | None]) -> None:
    if min(spec.std) <= 0:
        raise card.wrong("std", "numbers above 0")
    height, width = card.size()
    if (height or spec.height, width or spec.width) != (spec.height, spec.width):
        raise ModelFileError(f"The card says {height} x {width}, but the graph {graph[0]} x {graph[1]}.", REMEDY)


def _layout(feed: TensorFacts) -> Layout:
    return "NHWC" if feed.shape[3] in {1, 3} and feed.shape[1] not in {1, 3} else "NCHW"


def _sides(feed: TensorFacts, layout: Layout) -> tuple[int | None, int | None, int | None]:
    """Channels, rows and columns of an input."""
    _, *sides = feed.shape
    depth, rows, columns = sides if layout == "NCHW" else (sides[2], sides[0], sides[1])
    return depth, rows, columns
