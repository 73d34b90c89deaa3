"""What follows from what a plugin offers and wants, beyond the permissions themselves."""

import os
from collections.abc import Iterator
from pathlib import Path

from engine.plugins.manifest import Manifest, OfferKind, PermissionKind

FAMILY = "It sees all that is asked of the models that it talks to, and may choose to talk to any."
PIPELINE = "It sees the pictures that are given to the models that it serves."
TOOL = "What a model hands to its tools, it sees; what its tools answer, the model believes."
HOME = "The folders that it may change hold Hearth's own files, its permissions among them."


def consequences(manifest: Manifest, home: Path) -> tuple[str, ...]:
    """A sentence for each thing that a person should know before allowing a plugin.

    Args:
        manifest: of the plugin.
        home: Hearth's data folder.
    """
    return tuple(_consequences(manifest, home))


def _consequences(manifest: Manifest, home: Path) -> Iterator[str]:
    offered = {kind for kind, _ in manifest.provides}
    for kind, sentence in ((OfferKind.FAMILY, FAMILY), (OfferKind.PIPELINE, PIPELINE), (OfferKind.TOOL, TOOL)):
        if kind in offered:
            yield sentence
    folders = [f for p in manifest.permissions if p.kind is PermissionKind.WRITE for f in p.folders]
    if any(_overlap(home, Path(folder).expanduser()) for folder in folders):
        yield HOME


def _overlap(home: Path, folder: Path) -> bool:
    """Whether one of two folders lies in the other, links resolved."""
    ours, theirs = (Path(os.path.realpath(path)) for path in (home, folder))
    return ours.is_relative_to(theirs) or theirs.is_relative_to(ours)
