"""What plugins are told about an ONNX file: its graph, its notes, and the card beside it."""

import json
from pathlib import Path
from typing import Final

from engine.errors import ModelFileError
from engine.models.onnx import read_onnx_header
from engine.plugins.contract.models import ModelFacts
from engine.plugins.contract.values import Json

MAX_CARD_BYTES: Final = 16 << 20


def facts_of(path: Path) -> ModelFacts:
    """Describe an ONNX file by its header and its card, without reading its weights.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: the file is not ONNX, incomplete or damaged, or its card is no JSON object; says which.
    """
    header = read_onnx_header(path)
    card = read_card(path)
    name = card.get("name")
    return ModelFacts(
        file_name=path.name,
        format="onnx",
        name=name if isinstance(name, str) and name else _title(path),
        architecture="onnx",
        metadata=dict(header.properties),
        inputs=header.inputs,
        outputs=header.outputs,
        card=card,
        has_tokenizer=find_tokenizer(path) is not None,
    )


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


def _refuse(constant: str) -> Json:
    raise ValueError(f"{constant} is no JSON")


def _title(path: Path) -> str:
    """The file's name; of a file that is just called `model`, its folder's."""
    if path.stem.lower() != "model":
        return path.stem
    folder = path.parent.parent if path.parent.name == "onnx" else path.parent
    return folder.name or path.stem
