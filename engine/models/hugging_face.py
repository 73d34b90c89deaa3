"""The cache folder of Hugging Face's libraries: `models--OWNER--NAME/snapshots/COMMIT/...`, links to blobs."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.cards import Origin
from engine.models.sources import Found, is_companion
from engine.models.walk import MAX_FILES, Seen, name_without_part, walk

_PREFIX: Final = "models--"
_BRANCH: Final = "main"
_COMMIT_CHARACTERS: Final = 64


@dataclass(frozen=True, slots=True)
class HubCache:
    """The models that were fetched from the hub.

    Attributes:
        folder: `hub` in Hugging Face's home.
    """

    folder: Path

    @property
    def origin(self) -> Origin:
        """Whose it is."""
        return Origin.HUGGING_FACE

    def files(self, seen: Seen) -> Iterator[Found]:
        """Find the models, those of the newest known commit of each repository first."""
        for name in _names(str(self.folder), seen):
            if not name.startswith(_PREFIX):
                continue
            repo = name.removeprefix(_PREFIX).replace("--", "/")
            snapshots = self.folder / name / "snapshots"
            newest = _commit(self.folder / name / "refs" / _BRANCH)
            commits = _names(str(snapshots), seen)
            for commit in sorted(commits, key=lambda commit: (commit != newest, commit)):
                for path, real in walk(snapshots / commit, seen):
                    if not is_companion(path.name):
                        yield Found(
                            path=path,
                            real=real,
                            origin=self.origin,
                            folder=self.folder,
                            id=_id(path, repo),
                            repo=repo,
                            revision=commit,
                        )


def _names(folder: str, seen: Seen) -> list[str]:
    try:
        seen[folder] = os.stat(folder).st_mtime_ns
        return sorted(os.listdir(folder))[:MAX_FILES]
    except OSError:
        return []


def _commit(ref: Path) -> str:
    try:
        with ref.open("rb") as file:
            return file.read(_COMMIT_CHARACTERS).decode("ascii", "replace").strip()
    except OSError:
        return ""


def _id(path: Path, repo: str) -> str:
    """`model.onnx` and `model_int8.onnx` say nothing by themselves; those are named after their repository."""
    stem, name = name_without_part(path.stem).lower(), repo.rpartition("/")[2].lower()
    if stem == "model":
        return name
    return f"{name}-{stem[6:]}" if stem.startswith(("model_", "model-")) and stem[6:] else ""
