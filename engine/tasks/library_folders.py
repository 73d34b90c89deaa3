"""What is in the folders of the library."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from engine.cards import LibraryFolder, Origin
from engine.models.library import ModelLibrary
from engine.models.sources import Source
from engine.types import ModelInfo

_ALWAYS = frozenset({Origin.INCLUDED, Origin.OWN, Origin.FOLDER})


def folders_of(library: ModelLibrary, unused: Iterable[Source]) -> tuple[LibraryFolder, ...]:
    """All folders that are searched, in that order, and those that could be.

    Args:
        library: searches them.
        unused: folders that are there and not searched.
    """
    models: defaultdict[Path, list[ModelInfo]] = defaultdict(list)
    broken: defaultdict[Path, list[tuple[Path, str]]] = defaultdict(list)
    for entry in library.entries():
        models[entry.found.folder].append(entry.info)
    for it in library.refused:
        broken[it.found.folder].append((it.found.path, str(it.error)))
    used = (
        LibraryFolder(
            path=(folder := source.folder.expanduser()),
            origin=source.origin,
            is_used=True,
            models=len(models[folder]),
            size_bytes=sum(info.size_bytes for info in models[folder]),
            broken=tuple(broken[folder]),
        )
        for source in library.sources()
        if source.origin in _ALWAYS or source.folder.is_dir()
    )
    left_out = (LibraryFolder(path=source.folder, origin=source.origin, is_used=False) for source in unused)
    return (*used, *left_out)
