"""What an import brings: which files, checked by their headers, and where they will be."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

from engine.errors import JobError, ModelFileError, ModelNotFoundError
from engine.gates.header_check import check_header
from engine.gates.pickles import refuse_pickles
from engine.models.fingerprint import content_of
from engine.models.model_file import files_beside
from engine.models.sources import is_companion
from engine.models.walk import model_id, walk

SPARE_BYTES: Final = 64 << 20
"""Room that is left on the disk for everything else."""
FOLDER_DEPTH: Final = 4

_MAGIC: Final = b"GGUF"
_PICKLES: Final = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"})
_UNSAFE: Final = re.compile(r'[\x00-\x1f<>:"/\\|?*]+')
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What is brought where.

    Attributes:
        files: that belong to the model, its own first.
        base: folder that they are relative to.
        models: Hearth's own folder.
        name: of the file or folder that will be in it, without the number that tells it from others.
    """

    files: tuple[Path, ...]
    base: Path
    models: Path
    name: str

    @property
    def is_folder(self) -> bool:
        """Whether it comes into a folder of its own, since it has several files."""
        return len(self.files) > 1

    def called(self, model: str) -> Self:
        """The same under a model's id, where the file's own name says nothing."""
        return replace(self, name=safe_name(model if self.is_folder else f"{model}{Path(self.name).suffix}"))

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(file.stat().st_size for file in self.files)

    def places(self) -> Iterator[Path]:
        """Where it could be: under its own name, or with a number behind it."""
        name, suffix = (self.name, "") if self.is_folder else os.path.splitext(self.name)
        yield self.models / self.name
        for number in range(2, 1000):
            yield self.models / f"{name}-{number}{suffix}"

    def file_in(self, place: Path) -> Path:
        """The model's own file, once it is there."""
        return place / self.files[0].relative_to(self.base) if self.is_folder else place


def plans_of(path: Path, models: Path) -> tuple[ImportPlan, ...]:
    """Plan the import of a file, or of all models in a folder; nothing is changed.

    Args:
        path: of it.
        models: Hearth's own folder.

    Raises:
        ModelNotFoundError: there is no such file, or no model in the folder.
        ModelFileError: it cannot be taken; says why, and what to do.
    """
    path = Path(os.path.abspath(path.expanduser()))
    try:
        if path.is_dir():
            found = [file for file, _ in walk(path, {}, FOLDER_DEPTH) if not is_companion(file.name)]
            if not found:
                raise ModelNotFoundError(f"There is no GGUF or ONNX file in {path}.", "Choose another folder.")
            return tuple(_plan(file, models) for file in found)
        if not path.exists():
            raise ModelNotFoundError(f"There is no file {path}.", "Check the path.")
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path} cannot be read: {error}.", "Check its permissions.") from error
    return (_plan(path, models),)


def check_room(plan: ImportPlan) -> None:
    """Refuse a copy that the disk has no room for.

    Raises:
        JobError: says how much is missing.
    """
    needed, free = plan.size_bytes + SPARE_BYTES, shutil.disk_usage(plan.models).free
    if needed > free:
        has = f"the disk of {plan.models} has only {free / 1e9:,.2f} GB left"
        raise JobError(
            f"{plan.name} takes {needed / 1e9:,.2f} GB, but {has}.",
            "Free space, or use the file where it is: name its folder in the settings.",
        )


def disk_refusal(error: OSError, place: Path) -> JobError:
    """What to tell a person about an error of the disk."""
    if error.errno in _FULL:
        return JobError(f"The disk of {place} is full.", "Free space, and try again.")
    reason = error.strerror or str(error)
    return JobError(f"{place} cannot be written: {reason}.", "Check its permissions, or choose another folder as home.")


def same_model(plan: ImportPlan, place: Path) -> bool:
    """Whether a place holds the very files that a plan would bring."""
    try:
        there = [place / file.relative_to(plan.base) for file in plan.files] if plan.is_folder else [place]
        if [it.stat().st_size for it in there] != [it.stat().st_size for it in plan.files]:
            return False
        return all(content_of(a) == content_of(b) for a, b in zip(there, plan.files, strict=True))
    except OSError:
        return False


def _plan(path: Path, models: Path) -> ImportPlan:
    path = _first_part(path)
    _check_kind(path)
    check_header(path)
    files = files_beside(path)
    if len(files) == 1:
        stem = model_id(path) if path.stem.lower() == "model" else path.stem if path.suffix else path.name
        return ImportPlan(files, path.parent, models, safe_name(f"{stem}{path.suffix or '.gguf'}"))
    base = path.parent.parent if path.parent.name == "onnx" else path.parent
    return ImportPlan(files, base, models, safe_name(model_id(path)))


def _first_part(path: Path) -> Path:
    """The first file of a split model, whichever was named."""
    part = re.fullmatch(r"(.+-)\d{5}(-of-\d{5})", path.stem, re.IGNORECASE)
    first = path.with_name(f"{part[1]}00001{part[2]}{path.suffix}") if part is not None else path
    return first if first.exists() else path


def _check_kind(path: Path) -> None:
    """Refuse what is no model file that Hearth can take, by its name and by what is in it.

    Raises:
        ModelFileError: says why, and what to do.
    """
    suffix = path.suffix.lower()
    if suffix in _PICKLES:
        raise ModelFileError(
            f"{path.name} is a PyTorch or pickle file, and such a file can run any code when it is read.",
            "Get the model as GGUF, ONNX or safetensors.",
            "pickle",
        )
    refuse_pickles(path)
    if suffix == ".safetensors":
        raise ModelFileError(
            f"{path.name} holds weights for PyTorch, which Hearth does not run as they are.",
            "Make a GGUF file of it with `hearth models convert`.",
            "safetensors",
        )
    if suffix not in {".gguf", ".onnx"} and not _begins_with(path, _MAGIC):
        raise ModelFileError(
            f"{path.name} is neither a GGUF nor an ONNX model.", "Choose a .gguf or .onnx file.", "kind"
        )


def _begins_with(path: Path, magic: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(magic)) == magic
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelFileError(f"{path} cannot be read: {reason}.", "Check its permissions.") from error


def safe_name(name: str) -> str:
    """A name that every file system takes, and that no listing leaves out."""
    return _UNSAFE.sub("-", name).strip(" .") or "model"
