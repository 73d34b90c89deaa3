"""Sources: where models lie, and to whom they belong. Nothing is read here but names, and nothing is ever changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.cards import Origin
from engine.models.walk import MAX_DEPTH, Seen, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A model's file, before it is read.

    Attributes:
        path: of it, of the first one if it is split.
        real: without links, so that a file that is reached in two ways counts once.
        origin: whose it is.
        folder: of the source.
        id: that it would like to have; empty takes the file's name.
        repo: `owner/name` on the hub; empty if unknown.
        revision: commit on the hub; empty if unknown.
        licence_file: where its licence stands, for files that do not say; or None.
        template_file: where its chat template stands, for files that have none; or None.
    """

    path: Path
    real: str
    origin: Origin
    folder: Path
    id: str = ""
    repo: str = ""
    revision: str = ""
    licence_file: Path | None = None
    template_file: Path | None = None


class Source(Protocol):
    """A place where models lie."""

    @property
    def origin(self) -> Origin:
        """Whose it is."""

    @property
    def folder(self) -> Path:
        """Where it is."""

    def files(self, seen: Seen) -> Iterator[Found]:
        """Find the files that look like models, in a fixed order.

        Args:
            seen: takes the folders that were looked into.
        """


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder, with its subfolders; it need not exist.

    Attributes:
        origin: whose it is.
        folder: where it is.
        depth: how many levels are searched.
        has_repos: whether subfolders are called `owner/name`, as on the hub.
    """

    origin: Origin
    folder: Path
    depth: int = MAX_DEPTH
    has_repos: bool = False

    def files(self, seen: Seen) -> Iterator[Found]:
        """Find the files that look like models."""
        folder = self.folder.expanduser()
        for path, real in walk(folder, seen, self.depth):
            if self.origin not in _OURS and is_companion(path.name):
                continue  # it would only be listed as something that cannot be used by itself
            parts = path.relative_to(folder).parts if self.has_repos else ()
            repo = "/".join(parts[:2]) if len(parts) > 2 else ""
            yield Found(path=path, real=real, origin=self.origin, folder=folder, repo=repo)


_OURS = frozenset({Origin.INCLUDED, Origin.OWN, Origin.FOLDER})


def is_companion(name: str) -> bool:
    """Whether a file in another program's folder belongs to a model that lies beside it."""
    return "mmproj" in name.lower()
