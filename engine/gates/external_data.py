"""Weights that a graph keeps in files beside it: they must lie in its own folder, and be long enough.

ONNX Runtime checks most of this itself; older versions checked less, and `onnx` has had to be repaired several times.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from engine.errors import ModelFileError
from engine.models.gguf import DOWNLOAD_AGAIN

RULE: Final = "external-data"
_NUMBER: Final = re.compile(r"\d{1,18}")
_STRANGE: Final = re.compile(r"[\x00-\x1f\\*]")
"""The star, because ONNX Runtime takes one such name for an address in memory."""


def check_external(path: Path, entries: Mapping[str, str]) -> None:
    """Check where one tensor of a graph has its weights.

    A link is followed, because the cache of Hugging Face consists of links into one folder: what the file really is
    must lie in the folder of the graph, or in the folder where the graph itself really is. A hard link is refused: it
    may be another name of any file of its owner, and nothing in it says so.

    Args:
        path: of the graph.
        entries: what the tensor says about its place.

    Raises:
        ModelFileError: they are elsewhere, or not all there.
    """
    location = entries.get("location", "")
    parts = Path(location).parts
    if not location or Path(location).is_absolute() or ".." in parts or ":" in location or _STRANGE.search(location):
        raise _outside(path, location)
    place = path.parent / location
    if not place.is_file():
        raise ModelFileError(
            f"The weights of {path.name} are in {location}, which is missing.", "Put it beside the model.", RULE
        )
    folders = (path.parent.resolve(), path.resolve().parent)
    real = place.resolve()
    if not any(real.is_relative_to(folder) for folder in folders):
        raise _outside(path, location)
    status = real.stat()
    if status.st_nlink != 1:
        raise ModelFileError(
            f"The weights of {path.name} are in {location}, which is the same file as another (a hard link).",
            f"Replace {location} by a copy of its own.",
            RULE,
        )
    _check_range(path, location, entries, status.st_size)


def _check_range(path: Path, location: str, entries: Mapping[str, str], size: int) -> None:
    start, length = entries.get("offset", "0"), entries.get("length", "0")
    if not _NUMBER.fullmatch(start) or not _NUMBER.fullmatch(length) or int(start) + int(length) > size:
        raise ModelFileError(
            f"The graph {path.name} reads {length[:20]} bytes from {start[:20]} on in {location}, "
            f"which has {size:,} bytes.",
            DOWNLOAD_AGAIN,
            RULE,
        )


def _outside(path: Path, location: str) -> ModelFileError:
    return ModelFileError(
        f"The file {path.name} wants to read {location!r}, which lies outside its folder.",
        "Do not use it, or get it from its author again.",
        RULE,
    )
