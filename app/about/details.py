"""What is said about this Hearth; plain values, without Qt's widgets."""

import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from typing import Final

import PySide6
from PySide6.QtCore import qVersion

from engine.build import BuildInfo

_ONNX_RUNTIME: Final = ("onnxruntime", "onnxruntime-directml", "onnxruntime-windowsml", "onnxruntime-gpu")
"""The same library under the names of its builds."""
_NO_NOTICES: Final = (
    "This Hearth runs from its source. The licences of what it uses come with the Python packages: see the folders "
    "whose names end in .dist-info, beside the packages themselves. Hearth itself is under the MIT licence."
)


@dataclass(frozen=True, slots=True)
class Detail:
    """A fact."""

    name: str
    words: str


def details(build: BuildInfo) -> tuple[Detail, ...]:
    """All facts, the most asked for first.

    Args:
        build: what is known of this build.
    """
    found = (
        Detail("Version", build.version or "unknown"),
        Detail("Commit", build.commit or "from source"),
        Detail("Built", build.built.replace("T", " ").replace("Z", " UTC") or "from source"),
        Detail("llama.cpp", f"binding {build.llama_cpp}" if build.llama_cpp else "not installed"),
        Detail("ONNX Runtime", _version_of(_ONNX_RUNTIME)),
        Detail("Qt", f"{qVersion()}, PySide {PySide6.__version__}"),
        Detail("Python", platform.python_version()),
        Detail("System", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        Detail("Licence", "MIT"),
    )
    return tuple(found)


def as_text(facts: tuple[Detail, ...]) -> str:
    """The facts for the clipboard, one a line."""
    return "\n".join(["Hearth", *(f"{fact.name}: {fact.words}" for fact in facts)])


def notices() -> str:
    """The licences of what comes with Hearth; from source a sentence about where they are."""
    try:
        return files("resources").joinpath("NOTICES.txt").read_bytes().decode("utf-8", "replace")
    except OSError:
        return _NO_NOTICES


def _version_of(packages: Sequence[str]) -> str:
    """The version of the first of some packages that is installed."""
    for name in packages:
        with suppress(PackageNotFoundError):
            return version(name)
    return "not installed"
