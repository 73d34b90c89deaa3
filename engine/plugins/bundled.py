"""The bundled plugins, for whoever needs no host: backends and tests on their own."""

import functools
import importlib.util
import logging
from pathlib import Path

from engine.errors import PluginError
from engine.plugins.guard import Guard, guarded
from engine.plugins.loader import load
from engine.plugins.manifest_reader import MANIFEST_NAME, read_manifest
from engine.plugins.registry import Registry

log = logging.getLogger(__name__)


def bundled_dir() -> Path:
    """The folder of the bundled plugins.

    Found through the import system, because `engine` must not import what is above it.
    """
    spec = importlib.util.find_spec("plugins")
    if spec is None or not spec.submodule_search_locations:
        return Path(__file__).parents[2] / "plugins"
    return Path(spec.submodule_search_locations[0])


def plugin_folders(directory: Path) -> tuple[Path, ...]:
    """Folders with a manifest in a folder of plugins, sorted; it need not exist."""
    try:
        entries = sorted(directory.iterdir())
    except OSError:
        return ()
    return tuple(entry for entry in entries if entry.name[0] not in "._" and (entry / MANIFEST_NAME).exists())


@functools.cache
def bundled_registry() -> Registry:
    """All bundled plugins in this process, loaded once; a broken one is reported and left out. Thread: any."""
    registry = Registry()
    fill(registry)
    return registry


def fill(registry: Registry) -> None:
    """Load all bundled plugins into a registry; a broken one is reported and left out."""
    for folder in plugin_folders(bundled_dir()):
        try:
            manifest = read_manifest(folder)
            guard = Guard(manifest.id, manifest.name, _report)
            registry.put(manifest.id, guarded(load(folder, manifest, manifest.defaults()), guard))
        except PluginError as error:
            _report(error)


def _report(error: PluginError) -> None:
    log.error("%s %s", error, error.details)
