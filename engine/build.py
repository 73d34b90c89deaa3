"""Which build of Hearth this is: noted by whoever freezes the program, little from source."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from engine.programs import is_frozen

FILE_NAME: Final = "build.json"
"""Among the resources of a frozen program."""
_SHORT: Final = 10  # digits of a commit, which nobody confuses within one project


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildInfo:
    """Where a program comes from.

    Attributes:
        version: of Hearth; empty if the package is not installed.
        commit: 40 hexadecimal digits; empty from source.
        built: when, in ISO 8601 and UTC; empty from source.
        llama_cpp: version of the binding, which names the llama.cpp inside; empty if it is not installed.
        update_url: where it is said which version is the newest; empty if nobody says.
    """

    version: str = ""
    commit: str = ""
    built: str = ""
    llama_cpp: str = ""
    update_url: str = ""

    @property
    def title(self) -> str:
        """The version, and of a frozen build the commit and llama.cpp's version."""
        if not self.commit:
            return self.version
        return f"{self.version} ({self.commit[:_SHORT]}, llama.cpp {self.llama_cpp})"


@cache
def build_info() -> BuildInfo:
    """What is known of this build."""
    return _noted(Path(str(files("resources") / FILE_NAME))) if is_frozen() else _from_packages()


def _noted(file: Path) -> BuildInfo:
    """What the file says; without one, as little as nothing: Hearth works all the same."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=BuildInfo)
    except (OSError, msgspec.DecodeError):
        return _from_packages()


def _from_packages() -> BuildInfo:
    return BuildInfo(version=_version("hearth"), llama_cpp=_version("llama-cpp-python"))


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # it drags in the email package

    try:
        return version(package)
    except PackageNotFoundError:
        return ""
