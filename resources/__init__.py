"""What comes with Hearth besides code: icons, themes and the bundled models.

The files are read in place, from an installed package or an unpacked folder.
"""

from importlib.resources import files
from pathlib import Path


def models_dir() -> Path:
    """Folder of the bundled models."""
    return _folder("models")


def icons_dir() -> Path:
    """Folder of the one-colour SVG icons."""
    return _folder("icons")


def app_icon_dir() -> Path:
    """Folder of the app's own icon: a PNG per size, named by its edge in pixels."""
    return _folder("app_icon")


def themes_dir() -> Path:
    """Folder of the themes: colour tokens and the style sheet template."""
    return _folder("themes")


def catalogue_file() -> Path:
    """The models that Hearth recommends, and the words of tasks; TOML."""
    return _folder("catalogue.toml")


def calibration_file() -> Path:
    """A text of many kinds, by which quantizing sees which weights of a model matter; UTF-8."""
    return _folder("calibration.txt")


def held_out_file() -> Path:
    """Text that models are measured on; nothing in Hearth is trained or calibrated with it."""
    return _folder("held_out.txt")


def conversions_file() -> Path:
    """Which models in safetensors can be turned into GGUF, and how; TOML."""
    return _folder("conversions.toml")


def _folder(name: str) -> Path:
    return Path(str(files(__name__) / name))
