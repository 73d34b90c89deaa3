"""What lies beside an ONNX file: its card, `<name>.json`, which says how to use the graph, and its tokenizer."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engine.errors import ModelFileError
from engine.plugins.contract.values import Json

MAX_CARD_BYTES: Final = 16 << 20


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


def read_card(path: Path) -> dict[str, Json]:
    """Read the card of an ONNX file, a JSON object; empty if there is none.

    Args:
        path: of the ONNX file.

    Raises:
        ModelFileError: the card is too long, cannot be read, or is no JSON object.
    """
    place = card_path(path)
    try:
        if place.stat().st_size > MAX_CARD_BYTES:
            raise ModelFileError(f"The model card {place} is larger than {MAX_CARD_BYTES >> 20} MiB.", "Shorten it.")
        card = json.loads(place.read_text(encoding="utf-8"), parse_constant=_refuse)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise ModelFileError(f"The model card {place} cannot be read: {error}.", "Correct or delete it.") from error
    if not isinstance(card, dict):
        raise ModelFileError(f"The model card {place} is not a JSON object.", "Correct or delete it.")
    return card


def card_text(path: Path, card: Mapping[str, Json], name: str) -> str:
    """A text of a card that is not for plugins; empty if it is not there.

    Args:
        path: of the ONNX file.
        card: of it.
        name: of the field.

    Raises:
        ModelFileError: the field is no text.
    """
    value = card.get(name, "")
    if not isinstance(value, str):
        shown = json.dumps(value, ensure_ascii=False)[:60]
        raise ModelFileError(f"In the model card {card_path(path)}, {name} is {shown}.", "It must be a text.")
    return value


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is no JSON")
