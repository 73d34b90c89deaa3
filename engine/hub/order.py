"""Orders: what exactly is to be fetched of a model, and whether that can be done here."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import HubError
from engine.finds import HubFile, HubModel
from engine.hub.addresses import file_path
from engine.hub.files import RepoFile
from engine.hub.transfer import RemoteFile
from engine.hub.transfer.disk import gigabytes
from engine.jobs import Spec
from engine.models.digests import sha256_of

RESERVE_BYTES: Final = 200_000_000
"""Stay free on the disk."""


@dataclass(frozen=True, slots=True)
class Order:
    """A download that can begin.

    Attributes:
        model: with the commit that its files are of.
        file: that is wanted.
        title: of the job.
        spec: of the job.
    """

    model: HubModel
    file: HubFile
    title: str
    spec: Spec


def chosen(model: HubModel, file: str) -> HubFile:
    """The file of a model that is asked for, by its name with or without folders; without one the recommended.

    Raises:
        HubError: it has no such file, or none that can be recommended.
    """
    if not model.files:
        raise HubError(f"{model.repo} holds no GGUF or ONNX model.", "Look for one whose name ends in GGUF or ONNX.")
    wanted = file or model.recommended
    for found in model.files:
        if wanted and wanted in {found.name, found.name.rpartition("/")[2]}:
            return found
    names = ", ".join(found.name for found in model.files[:8])
    if not file and model.summary and not model.is_catalogued:  # what is wrong with it
        raise HubError(model.summary, "Choose another model.")
    if not file:
        raise HubError(f"No file of {model.repo} fits this machine.", f"Name the one that you want: {names}.")
    raise HubError(f"{model.repo} has no model file {file[:120]!r}.", f"Choose from: {names}.")


def by_quantization(model: HubModel, name: str) -> str:
    """The file whose quantization is called so; else the name as it is."""
    found = [file.name for file in model.files if file.quantization.lower() == name.lower()]
    return found[0] if found else name


def target_of(repo: str, file: HubFile) -> str:
    """Folder inside the model folder: the repository's name, with the folder that tells graphs of one name apart."""
    folder = file.name.rpartition("/")[0]
    is_alone = file.name.lower().endswith(".gguf") or folder in {"", "onnx"}
    return repo if is_alone else f"{repo}-{folder.replace('/', '-')}"


def remote_files(url: str, model: HubModel, file: HubFile, listed: Mapping[str, RepoFile]) -> tuple[RemoteFile, ...]:
    """The files to fetch, the model first.

    Args:
        url: of the hub.
        model: with the commit as its revision.
        file: that is wanted.
        listed: all files of the repository.
    """
    return tuple(
        RemoteFile(
            url=f"{url}{file_path(model.repo, model.revision, name)}",
            name=name.rpartition("/")[2],
            size_bytes=listed[name].size_bytes,
            sha256=listed[name].sha256,
            etag="" if listed[name].sha256 else listed[name].blob,
        )
        for name in file.parts
    )


def check_room(folder: Path, target: str, files: Sequence[RemoteFile]) -> None:
    """Refuse what the disk has no room for; what was fetched before is not counted again.

    Raises:
        HubError: there is too little room.
    """
    there = sum(_size(folder / target / file.name) + _size(folder / target / f"{file.name}.part") for file in files)
    needed = max(0, sum(file.size_bytes for file in files) - there)
    free = free_bytes(folder)
    if needed + RESERVE_BYTES > free:
        cause = f"{files[0].name} takes {gigabytes(needed)}, but the disk of {folder} has {gigabytes(free)} free."
        raise HubError(cause, "Free some space, or choose a smaller file.")


def is_here(folder: Path, target: str, files: Sequence[RemoteFile]) -> bool:
    """Whether every file is there, byte for byte; reads the model as a whole if its size is right."""
    home = folder / target
    if any(not file.size_bytes or _size(home / file.name) != file.size_bytes for file in files):
        return False
    return all(_sha256(home / file.name) == file.sha256 for file in files if file.sha256)


def free_bytes(folder: Path) -> int:
    """Free on the disk of a folder, which need not be there yet."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _sha256(path: Path) -> str:
    try:
        return sha256_of([path])
    except OSError:
        return ""
