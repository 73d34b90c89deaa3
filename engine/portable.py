"""Portable mode: all data of Hearth in one folder beside the program, and nothing anywhere else.

A start with `--portable` makes the folder; every later start that finds it uses it. `HEARTH_HOME` comes before it.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from engine.errors import ConfigError
from engine.programs import is_frozen

FOLDER: Final = "hearth-data"
_CACHES: Final = {
    "MESA_SHADER_CACHE_DIR": "mesa",
    "__GL_SHADER_DISK_CACHE_PATH": "gl",
    "CUDA_CACHE_PATH": "cuda",
}
"""Where drivers of graphics cards keep what they have compiled, for Hearth and for the processes that it starts."""
_FONTS: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<cachedir>{folder}</cachedir>
<include ignore_missing="yes">{system}</include>
</fontconfig>
"""


def program_folder() -> Path:
    """Where the program lies: the folder of the executable, on a Mac that of the bundle; else the checkout."""
    if not is_frozen():
        return Path(__file__).absolute().parents[1]
    folder = Path(sys.executable).resolve().parent
    bundle = folder.parent.parent  # Hearth.app/Contents/MacOS/hearth
    return bundle.parent if bundle.suffix == ".app" and folder.name == "MacOS" else folder


def portable_home() -> Path | None:
    """The folder beside the program; None if there is none."""
    folder = program_folder() / FOLDER
    return folder if folder.is_dir() else None


def is_portable(home: Path) -> bool:
    """Whether this data folder is the one beside the program."""
    return home == portable_home()


def use_portable_home(wanted: bool) -> bool:
    """Let everything in this process and in its children use the folder beside the program, if there is to be one.

    Call before anything asks for the data folder.

    Args:
        wanted: make the folder; otherwise it is used only if it is there.

    Returns:
        Whether it is used; never while `HEARTH_HOME` names another.

    Raises:
        ConfigError: the folder cannot be made or written.
    """
    if os.environ.get("HEARTH_HOME"):
        return False
    folder = program_folder() / FOLDER
    if not wanted and not folder.is_dir():
        return False
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass  # permissions say little about a disk that is read only
        _keep_caches_in(folder / "cache" / "system")
    except OSError as error:
        cause = f"Portable mode keeps everything in {folder}, which cannot be written: {error.strerror or error}."
        remedy = "Put Hearth into a folder of your own, or start it without portable mode."
        if not wanted:
            remedy = "Make the folder writable, take it away, or set HEARTH_HOME."
        raise ConfigError(cause, remedy) from error
    return True


def _keep_caches_in(folder: Path) -> None:
    """Have system libraries keep their caches here; what a person has set stays."""
    for name, part in _CACHES.items():
        os.environ.setdefault(name, str(folder / part))
    fonts = os.environ.get("FONTCONFIG_FILE") or "/etc/fonts/fonts.conf"
    if sys.platform == "linux" and fonts != str(folder / "fonts.conf"):
        from xml.sax.saxutils import escape

        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = _FONTS.format(folder=escape(str(folder / "fonts")), system=escape(fonts))
        (folder / "fonts.conf").write_text(text, encoding="utf-8")
        os.environ["FONTCONFIG_FILE"] = str(folder / "fonts.conf")
