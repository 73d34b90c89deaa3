"""Fields of a card, the JSON object beside an ONNX file, checked as they are taken."""

import ast
import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final, TypeVar

from engine.errors import ModelFileError
from engine.plugins.contract.models import ModelFacts

MAX_SIDE: Final = 8_192
MAX_NAMES: Final = 100_000

T = TypeVar("T", bound=str)


class Card:
    """Reads the card of a model; a field that is not there has its default.

        >>> from engine.plugins.api import ModelFacts
        >>> card = Card(ModelFacts(file_name="cat.onnx", format="onnx", card={"labels": ["cat", "dog"]}))
        >>> card.texts("labels"), card.text("charset")
        (('cat', 'dog'), '')

    Every method raises `ModelFileError` if the field is of another kind, and says which kind it must be.
    """

    def __init__(self, facts: ModelFacts) -> None:
        self._file = PurePath(facts.file_name).with_suffix(".json").name
        self._table = facts.card

    def wrong(self, name: str, wanted: str) -> ModelFileError:
        """Make the error for a field that must be something else: `a list of texts`, say."""
        value = json.dumps(self._table.get(name), ensure_ascii=False)
        shown = value if len(value) <= 60 else value[:57] + "..."
        return ModelFileError(f"In the model card {self._file}, {name} is {shown}.", f"It must be {wanted}.")

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        value = self._table.get(name, default)
        if not isinstance(value, str):
            raise self.wrong(name, "a text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty if it is not there."""
        value = self._table.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(name, "a list of texts")
        return tuple(str(item) for item in value)

    def choice(self, name: str, choices: Sequence[T], default: T) -> T:
        """One of several texts."""
        value = self._table.get(name, default)
        for choice in choices:
            if value == choice:
                return choice
        raise self.wrong(name, "one of " + ", ".join(choices))

    def numbers(self, name: str, count: int, default: tuple[float, ...]) -> tuple[float, ...]:
        """A list of `count` numbers."""
        value = self._table.get(name)
        if name not in self._table:
            return default
        wanted = f"a list of {count} number{'s' if count > 1 else ''}"
        if not isinstance(value, list) or len(value) != count:
            raise self.wrong(name, wanted)
        numbers = [item for item in value if isinstance(item, int | float) and type(item) is not bool]
        if len(numbers) < count or not all(abs(item) < 1e9 for item in numbers):
            raise self.wrong(name, wanted)
        return tuple(float(item) for item in numbers)

    def size(self, name: str = "size") -> tuple[int | None, int | None]:
        """Height and width in pixels; None where it is free."""
        value = self._table.get(name, [None, None])
        wanted = f"[height, width] in pixels, 1 to {MAX_SIDE:,}, or null where it is free"
        if not isinstance(value, list) or len(value) != 2:
            raise self.wrong(name, wanted)
        sides: list[int | None] = []
        for side in value:
            if side is not None and (type(side) is not int or not 1 <= side <= MAX_SIDE):
                raise self.wrong(name, wanted)
            sides.append(side if isinstance(side, int) else None)
        return sides[0], sides[1]


def class_names(facts: ModelFacts) -> tuple[str, ...]:
    """What the classes of a graph are called, in their order.

    They stand in `labels` of the card, or in the property `names` or `labels` of the file, as a list or as a table
    from number to name, in JSON or the way Python prints it.

    Returns:
        The names; empty where there are none that can be read.

    Raises:
        ModelFileError: `labels` of the card is no list of texts.
    """
    if "labels" in facts.card:
        return Card(facts).texts("labels")
    for key in ("names", "labels"):
        value = read_literal(facts.metadata.get(key))
        if isinstance(value, dict) and value and all(type(index) is int for index in value):
            most = max(value)
            if min(value) >= 0 and most < MAX_NAMES:
                return tuple(str(value.get(index, f"class {index}")) for index in range(most + 1))
        if isinstance(value, list | tuple) and value:
            return tuple(str(item) for item in value)
    return ()


def read_literal(text: object) -> object:
    """Read a value that a program has noted in a file, in JSON or the way Python prints it; None if it is neither."""
    if not isinstance(text, str):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            value: object = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        if isinstance(value, dict):
            return {int(key) if isinstance(key, str) and key.isdecimal() else key: item for key, item in value.items()}
        return value
    return None
