"""The card of an ONNX model: `<name>.json` beside `<name>.onnx`, saying how to use the graph."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar, get_args

from engine.errors import ModelFileError

Layout = Literal["NCHW", "NHWC"]
Channels = Literal["RGB", "BGR", "L"]
Resize = Literal["stretch", "crop", "fit"]
T = TypeVar("T", bound=str)

MAX_CARD_BYTES: Final = 16 << 20
MAX_SIDE: Final = 8_192
IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)

_TASKS: Final = ("classification", "reading", "features", "embedding")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxCard:
    """How an ONNX graph is to be used. The defaults suit a classifier trained on ImageNet.

    Attributes:
        name: what its author calls it; empty if there is no card.
        task: what it does: `classification`, `reading`, `features` or `embedding`.
        labels: of a classifier, one per class; empty: classes are shown by number.
        charset: of a reader: character i is class i + 1, class 0 is the blank of CTC.
        size: height, width of the input in pixels; None in either place: free, or as the graph says.
        layout: order of the axes of the input.
        channels: order of the colours, or L for grey.
        mean: subtracted from values in 0..1, one per channel.
        std: divides what is left, one per channel.
        resize: `stretch` ignores the aspect ratio, `crop` cuts the edges off, `fit` pads.
        licence: empty if the card does not say.
    """

    name: str = ""
    task: str = "classification"
    labels: tuple[str, ...] = ()
    charset: str = ""
    size: tuple[int | None, int | None] = (None, None)
    layout: Layout = "NCHW"
    channels: Channels = "RGB"
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    resize: Resize = "crop"
    licence: str = ""


def card_path(path: Path) -> Path:
    """Where the card of an ONNX file lies."""
    return path.with_suffix(".json")


def find_tokenizer(path: Path) -> Path | None:
    """The `tokenizer.json` of an ONNX file: beside it, or one folder up if it lies in a folder called `onnx`."""
    folders = [path.parent, path.parent.parent] if path.parent.name == "onnx" else [path.parent]
    for folder in folders:
        if (folder / "tokenizer.json").is_file():
            return folder / "tokenizer.json"
    return None


def read_card(path: Path) -> OnnxCard:
    """Read the card of an ONNX file; without one, a tokenizer beside it makes it an embedder, else a classifier.

    Args:
        path: of the ONNX file.

    Raises:
        ModelFileError: the card is not JSON, or a field is wrong; says which.
    """
    place = card_path(path)
    try:
        if place.stat().st_size > MAX_CARD_BYTES:
            raise ModelFileError(f"The model card {place} is larger than {MAX_CARD_BYTES >> 20} MiB.", "Shorten it.")
        table = json.loads(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return OnnxCard(task=_default_task(path))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"The model card {place} cannot be read: {error}.", "Correct or delete it.") from error
    if not isinstance(table, dict):
        raise ModelFileError(f"The model card {place} is not a JSON object.", "Correct or delete it.")
    return _Fields(place, table).card(_default_task(path))


def _default_task(path: Path) -> str:
    return "embedding" if find_tokenizer(path) else "classification"


class _Fields:
    """The fields of one card, checked as they are taken."""

    def __init__(self, place: Path, table: dict[str, object]) -> None:
        self._place = place
        self._table = table

    def card(self, default_task: str) -> OnnxCard:
        channels = self._choice("channels", get_args(Channels), "RGB")
        plain = channels != "RGB"  # only colour pictures have ImageNet's mean and deviation by default
        count = 1 if channels == "L" else 3
        task = self._choice("task", _TASKS, default_task)
        card = OnnxCard(
            name=self._text("name"),
            task=task,
            labels=self._texts("labels"),
            charset=self._text("charset"),
            size=self._size(),
            layout=self._choice("layout", get_args(Layout), "NCHW"),
            channels=channels,
            mean=self._numbers("mean", count, (0.0,) * count if plain else IMAGENET_MEAN),
            std=self._numbers("std", count, (1.0,) * count if plain else IMAGENET_STD),
            resize=self._choice("resize", get_args(Resize), "crop"),
            licence=self._text("licence") or self._text("license"),
        )
        if min(card.std) <= 0:
            raise self._wrong("std", "numbers above 0")
        if task == "reading" and not card.charset:
            raise self._wrong("charset", "the characters that the model reads")
        if len(set(card.charset)) < len(card.charset):
            raise self._wrong("charset", "characters that occur once each")
        return card

    def _wrong(self, name: str, wanted: str) -> ModelFileError:
        value = json.dumps(self._table.get(name), ensure_ascii=False)
        shown = value if len(value) <= 60 else value[:57] + "..."
        return ModelFileError(f"In the model card {self._place}, {name} is {shown}.", f"It must be {wanted}.")

    def _text(self, name: str) -> str:
        value = self._table.get(name, "")
        if not isinstance(value, str):
            raise self._wrong(name, "a text")
        return value

    def _texts(self, name: str) -> tuple[str, ...]:
        value = self._table.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(name, "a list of texts")
        return tuple(value)

    def _choice(self, name: str, choices: Sequence[T], default: T) -> T:
        value = self._table.get(name, default)
        for choice in choices:
            if value == choice:
                return choice
        raise self._wrong(name, "one of " + ", ".join(choices))

    def _numbers(self, name: str, count: int, default: tuple[float, ...]) -> tuple[float, ...]:
        value = self._table.get(name, list(default))
        wanted = f"a list of {count} number{'s' if count > 1 else ''}"
        if not isinstance(value, list) or len(value) != count:
            raise self._wrong(name, wanted)
        if not all(type(item) in {int, float} and abs(item) < 1e9 for item in value):
            raise self._wrong(name, wanted)
        return tuple(float(item) for item in value)

    def _size(self) -> tuple[int | None, int | None]:
        value = self._table.get("size", [None, None])
        wanted = f"[height, width] in pixels, 1 to {MAX_SIDE:,}, or null where it is free"
        if not isinstance(value, list) or len(value) != 2:
            raise self._wrong("size", wanted)
        height, width = (self._side(side, wanted) for side in value)
        return height, width

    def _side(self, side: object, wanted: str) -> int | None:
        if side is None:
            return None
        if type(side) is not int or not 1 <= side <= MAX_SIDE:
            raise self._wrong("size", wanted)
        return side
