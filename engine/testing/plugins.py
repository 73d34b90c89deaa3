"""Loading a plugin into a test."""

from pathlib import Path

from engine.plugins.contract.values import Values
from engine.plugins.loader import load
from engine.plugins.manifest_reader import read_manifest
from engine.plugins.offers import Offers


def load_plugin(folder: Path, settings: Values | None = None) -> Offers:
    """Load a plugin from its folder into this process, as Hearth loads a bundled one.

    Args:
        folder: with its `plugin.toml`.
        settings: values that differ from the defaults.

    Raises:
        PluginRefusedError: its manifest is wrong.
        PluginError: its code failed, or it offers something else than its manifest says.
    """
    manifest = read_manifest(folder)
    return load(folder, manifest, {**manifest.defaults(), **(settings or {})})
