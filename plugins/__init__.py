"""Plugins that come with Hearth, a folder each; loaded like any other, but in the engine's process."""

from pathlib import Path


def plugins_dir() -> Path:
    """The folder that holds one folder per bundled plugin."""
    return Path(__file__).parent
