"""Discovery: which plugins lie in a folder; only their manifests are read."""

from dataclasses import dataclass
from pathlib import Path

from engine.errors import PluginRefusedError
from engine.plugins.bundled import plugin_folders
from engine.plugins.manifest import Manifest
from engine.plugins.manifest_reader import read_manifest, shown


@dataclass(frozen=True, slots=True)
class FoundPlugin:
    """A folder that is, or should be, a plugin: with its manifest, or with what is wrong."""

    folder: Path
    manifest: Manifest | None = None
    refusal: PluginRefusedError | None = None

    @property
    def id(self) -> str:
        """Id of the plugin; what its folder stands for where the manifest does not say, without control characters."""
        return self.manifest.id if self.manifest is not None else shown(self.folder.name).replace("_", "-")


def discover(directory: Path) -> tuple[FoundPlugin, ...]:
    """All plugins in a folder, sorted by folder; it need not exist. About half a millisecond each."""
    return tuple(look(folder) for folder in plugin_folders(directory))


def look(folder: Path) -> FoundPlugin:
    """Read what a folder says about itself."""
    try:
        return FoundPlugin(folder, read_manifest(folder))
    except PluginRefusedError as error:
        return FoundPlugin(folder, refusal=error)
