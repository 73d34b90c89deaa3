"""Where the parts of a release are made and go to, and what they are called by."""

import os
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from failure import SetupError

ROOT: Final = Path(__file__).resolve().parents[2]
DIST: Final = ROOT / "dist"
"""What people download."""
WORK: Final = ROOT / "build" / "release"
"""What is made on the way; may be deleted at any time."""


@cache
def project_version() -> str:
    """The version that `pyproject.toml` states."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def commit() -> str:
    """The commit that is checked out, 40 hexadecimal digits; empty outside a repository."""
    return _git("rev-parse", "HEAD")


def source_epoch() -> int:
    """The time that files of a release bear, in seconds since 1970, so that equal sources give equal files.

    `SOURCE_DATE_EPOCH` if it is set, else the time of the commit that is checked out.

    Raises:
        SetupError: neither is known, or the variable is no number.
    """
    said = os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct")
    if not said.isdecimal():
        remedy = "Build in a git checkout, or set SOURCE_DATE_EPOCH to seconds since 1970."
        raise SetupError("The time of this source is not known.", remedy)
    return int(said)


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
