"""Where a smaller model is made, and how it comes to its place: whole or not at all.

It is made in a hidden folder beside its place, under the name that it will have, and moved from there once everything
is on disk. So nobody lists a half one, and what a killed Hearth has left is known by the folder's name.
"""

import contextlib
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from engine.errors import ModelError, ModelFileError
from engine.jobs import JobControl
from engine.models.digests import sha256_of
from engine.models.variants import base_name

_PREFIX: Final = ".quantizing-"
_SPARE_BYTES: Final = 16 << 20  # headers, and what else the system wants to write meanwhile
_READ_ONLY: Final = 0o444
_MOST_DEPTH: Final = 3
_SUFFIXES: Final = (".gguf", ".onnx")


def target_of(source: Path, recipe: str, models: Path, name: str = "") -> Path:
    """Where a smaller model goes: beside its source if that is in Hearth's own folder, else into that folder.

    Args:
        source: file of the model that it is made from.
        recipe: id of the recipe.
        models: Hearth's own folder.
        name: of the model, for a file whose own name says nothing: other programs name theirs by their digests.
    """
    is_own = source.resolve().is_relative_to(models.resolve())
    suffix = source.suffix.lower()
    stem = _without_part(source.stem)
    if suffix not in _SUFFIXES:
        suffix, stem = ".gguf", re.sub(r"[^\w.+-]+", "-", name).strip("-.") or "model"
    elif stem.lower() == "model" and not is_own:  # graphs are often called that; their folder says what they are
        folder = source.parent.parent if source.parent.name == "onnx" else source.parent
        stem = folder.name or stem
    base = stem[: len(base_name(stem.lower()))]
    return (source.parent if is_own else models) / f"{base}.{recipe}{suffix}"


def _without_part(stem: str) -> str:
    """A name without the number that the first file of a split model has."""
    head, separator, _ = stem.rpartition("-00001-of-")
    return head if separator else stem


def part_of(target: Path) -> Path:
    """The file that becomes this one once it is whole; what belongs to it lies beside it."""
    return target.parent / f"{_PREFIX}{target.name}" / target.name


def check_room(target: Path, size_bytes: int) -> None:
    """Make sure that so much fits onto the disk.

    Raises:
        ModelError: it does not, or the result is there already.
    """
    if target.exists():
        raise ModelError(f"{target.name} is there already.", "Remove it first, or choose another name.")
    folder = next(parent for parent in target.parents if parent.is_dir())
    free = shutil.disk_usage(folder).free
    needed = size_bytes + _SPARE_BYTES
    if free < needed:
        raise ModelError(
            f"{target.name} will take about {size_bytes / 1e9:.2f} GB, but {free / 1e9:.2f} GB are free on its disk.",
            "Free some space, or choose a smaller recipe.",
        )


def begin_part(target: Path) -> Path:
    """Make an empty place for a model that becomes this one; what an earlier try has left there goes.

    Raises:
        ModelError: it cannot be written.
    """
    part = part_of(target)
    try:
        _remove(part.parent)
        part.parent.mkdir(parents=True)
    except OSError as error:
        raise ModelError(
            f"{target.parent} cannot be written: {error.strerror}.", "Check its permissions, or free space."
        ) from error
    return part


def publish(target: Path) -> None:
    """Bring a finished model to its place, on disk, and read-only; the file that is listed comes last.

    Raises:
        ModelError: the disk is full, or its place was taken meanwhile.
    """
    part = part_of(target)
    others = sorted(path for path in part.parent.iterdir() if path.is_file() and path != part)
    places = {path: target.with_name(path.name) for path in (*others, part)}
    for place in places.values():
        if place.exists():
            raise ModelError(f"{place.name} is there already.", "Remove it first, or choose another name.")
    try:
        for path in places:
            _sync(path)
            path.chmod(_READ_ONLY)
        for path, place in places.items():
            path.rename(place)
    except OSError as error:
        raise ModelError(f"{target.name} cannot be written: {error.strerror}.", "Free some space.") from error
    _sync_folder(target.parent)
    _remove(part.parent)


def discard(target: Path) -> None:
    """Remove what is there of a model that is not finished; does nothing if there is nothing."""
    with contextlib.suppress(OSError):
        _remove(part_of(target).parent)


def sweep(models: Path) -> None:
    """Remove all that is unfinished below a folder; call it only while nobody makes anything there."""
    for depth in range(_MOST_DEPTH):
        for folder in models.glob(f"{'*/' * depth}{_PREFIX}*"):
            with contextlib.suppress(OSError):
                _remove(folder)


def digest(files: Iterable[Path], control: JobControl) -> str:
    """SHA-256 of some files, one after another; the job may end meanwhile.

    Raises:
        ModelFileError: one cannot be read.
        JobStopped: the job has to end.
    """

    def on_block(done: int, total: int) -> None:
        control.check()
        control.tell(done, total)

    try:
        return sha256_of(files, on_block)
    except OSError as error:
        raise ModelFileError(f"The source cannot be read: {error.strerror}.", "Check its disk.") from error


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)


def _sync(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # it has no such call, and needs none
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
