"""The variants of llama.cpp's code for the processor, of which a portable build has a dozen: the best one is loaded.

A build for one machine has that code inside. A portable one brings a library per generation of processors, each of
which says how well it suits the processor at hand; 0 means that it would crash. Only Hearth's own folder is looked at:
llama.cpp's way to load them also looks beside the program and where the environment says, where anybody may have put
something.
"""

import ctypes
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from engine.errors import EngineError

VARIABLE: Final = "HEARTH_CPU_VARIANT"
"""Environment variable that names the variant to load, for tests of all of them; it must run here."""
_PREFIXES: Final = ("libggml-cpu-", "ggml-cpu-")
_SUFFIXES: Final = (".so", ".dll", ".dylib")

Score = Callable[[Path], int]
"""How well a variant suits this processor; 0 if it does not run."""


def variant_files(folder: Path) -> dict[str, Path]:
    """The variants in a folder, by name (`haswell`, `zen4`, ...)."""
    found = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        prefix = next((prefix for prefix in _PREFIXES if path.name.startswith(prefix)), None)
        if prefix is not None and path.suffix in _SUFFIXES:
            found[path.stem.removeprefix(prefix)] = path
    return found


def choose_variant(files: Mapping[str, Path], score: Score, wanted: str = "") -> str:
    """The name of the variant to load.

    Args:
        files: by name.
        score: asks one.
        wanted: the only one that may be chosen; empty for the best.

    Raises:
        EngineError: none runs here, or the wanted one does not.
    """
    if wanted and wanted not in files:
        remedy = f"Take one of {', '.join(files)}." if files else "Install Hearth again."
        raise EngineError(f"{VARIABLE} names {wanted!r}, which llama.cpp has no code for.", remedy)
    scores = {name: score(files[name]) for name in ([wanted] if wanted else files)}
    best = max(scores, key=lambda name: scores[name], default="")
    if best and scores[best] > 0:
        return best
    if wanted:
        raise EngineError(f"{VARIABLE} names {wanted}, which this processor cannot run.", f"Remove {VARIABLE}.")
    raise EngineError("llama.cpp has no code that this processor can run.", "Install Hearth again.")


def load_variant(folder: Path, load: Callable[[Path], bool]) -> str:
    """Load the best variant in a folder, or the one that the environment names; return its name.

    Args:
        folder: of llama.cpp's libraries.
        load: loads one; returns whether it did.

    Raises:
        EngineError: none runs here, or it cannot be loaded.
    """
    files = variant_files(folder)
    name = choose_variant(files, suitability, os.environ.get(VARIABLE, ""))
    if not load(files[name]):
        raise EngineError(f"llama.cpp cannot load {files[name].name}.", "Install Hearth again.")
    return name


def suitability(path: Path) -> int:
    """Ask a variant how well it suits this processor; 0 if it does not run, or cannot be loaded."""
    try:
        library = ctypes.CDLL(str(path))
    except OSError:
        return 0
    try:
        return int(library.ggml_backend_score())
    except AttributeError:  # it is no variant
        return 0
    finally:
        _close(library)


def _close(library: ctypes.CDLL) -> None:
    """Let go of a library: a dozen of which one is used would cost memory in every process."""
    import _ctypes  # the only way that Python offers

    if sys.platform == "win32":
        _ctypes.FreeLibrary(library._handle)  # noqa: SLF001 - likewise
    else:
        _ctypes.dlclose(library._handle)  # noqa: SLF001 - likewise
