"""Finds model files in folders, and says which files are parts of others."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

MAX_DEPTH: Final = 3
MAX_FILES: Final = 10_000  # per folder; somebody may point at a whole disk

_PART: Final = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})", re.IGNORECASE)

_PLAIN: Final = re.compile(r"model((?:[-_.](?:quantized|u?int[48]|fp?16|bf16|fp?32|q4|q4f16|bnb4))?)", re.IGNORECASE)
"""Names of ONNX files that say nothing but how the weights are stored."""

Seen = dict[str, int]
"""Folders that were looked into, with the time of their last change in ns, to tell whether to look again."""


def walk(folder: Path, seen: Seen, depth: int = MAX_DEPTH) -> Iterator[tuple[Path, str]]:
    """Model files of a folder and its subfolders, in a fixed order, hidden ones left out.

    Args:
        folder: it need not exist.
        seen: takes the folders that were looked into.
        depth: how many levels; 1 is the folder itself.

    Yields:
        A file as it is reached from the folder, and the real path of it.
    """
    try:
        seen[str(folder)] = os.stat(folder).st_mtime_ns  # before listing: what comes meanwhile is noticed later
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        real = os.path.realpath(folder)
    except OSError:
        return  # not there, or not ours to read
    for entry in entries[:MAX_FILES]:
        if entry.name.startswith("."):
            continue
        if is_model_name(entry.name) and not entry.is_dir():
            if not is_later_part(entry.name):
                place = os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(real, entry.name)
                yield Path(entry.path), place
        elif depth > 1 and entry.is_dir():
            yield from walk(Path(entry.path), seen, depth - 1)


def is_model_name(name: str) -> bool:
    """Whether a file's name is that of a model."""
    return name.lower().endswith((".gguf", ".onnx"))


def is_later_part(name: str) -> bool:
    """Whether a file is a part of a split model, but not the first."""
    part = _PART.fullmatch(os.path.splitext(name)[0])
    return part is not None and int(part["number"]) != 1


def name_without_part(stem: str) -> str:
    """A file's name without its part number."""
    part = _PART.fullmatch(stem)
    return part["stem"] if part else stem


def model_id(path: Path) -> str:
    """Id that a file would like to have: its name without suffix and part number, in lower case.

    ONNX files are often called just `model.onnx`, or `model_int8.onnx`; those are named after their folder.
    """
    stem = name_without_part(path.stem)
    if plain := _PLAIN.fullmatch(stem):
        folder = path.parent.parent if path.parent.name == "onnx" else path.parent
        stem = f"{folder.name}{plain[1]}" if folder.name else stem
    return stem.lower()
