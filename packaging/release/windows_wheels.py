"""The packages that Hearth needs on Windows, fetched on any system: pip resolves them as it would on Windows."""

import hashlib
import json
import re
import sys
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from build_cache import cache_folder, filling
from compiling import PACKAGE
from environment import pip_failure
from locking import locked
from progress import run_with_progress

PYTHON_VERSION: Final = "3.13.2"
_FREEZER: Final = "pyinstaller"
_MARKERS: Final[Mapping[str, str]] = {
    "implementation_name": "cpython",
    "implementation_version": PYTHON_VERSION,
    "os_name": "nt",
    "platform_machine": "AMD64",
    "platform_python_implementation": "CPython",
    "platform_release": "10",
    "platform_system": "Windows",
    "platform_version": "10.0.19045",
    "python_full_version": PYTHON_VERSION,
    "python_version": PYTHON_VERSION.rpartition(".")[0],
    "sys_platform": "win32",
}
_RUN_PIP: Final = """
import json, sys
from pip._internal.cli.main import main
from pip._vendor.packaging import markers
markers.default_environment = lambda: json.loads(sys.argv[1])
sys.exit(main(sys.argv[2:]))
"""
"""pip chooses files for another system when it is told to, but asks this one which packages that system needs."""


def requirements(pyproject: str) -> list[str]:
    """What `pip` is to fetch: all that Hearth needs but llama.cpp, which is compiled, and the freezer.

    Args:
        pyproject: text of `pyproject.toml`.
    """
    project = tomllib.loads(pyproject)["project"]
    ships = [requirement for requirement in project["dependencies"] if _name(requirement) != PACKAGE]
    tools = project["optional-dependencies"]["package"]
    return [*ships, *(requirement for requirement in tools if _name(requirement) == _FREEZER)]


def _name(requirement: str) -> str:
    return re.split(r"[=<>!~;\s\[]", requirement, maxsplit=1)[0]


def ensure_wheels(pyproject: str) -> Path:
    """The folder with the wheels: the kept one, or else filled now.

    Args:
        pyproject: text of `pyproject.toml`.

    Raises:
        SetupError: pip failed.
    """
    wanted = requirements(pyproject)
    digest = hashlib.sha256("\n".join([PYTHON_VERSION, *wanted]).encode()).hexdigest()[:12]
    folder, key = cache_folder("windows"), f"wheels-{digest}"
    with locked(folder / f"{key}.lock", "  Another build fetches the packages for Windows; waiting for it."):
        if not (folder / key).is_dir():
            log = folder / f"{key}.log"
            with filling(folder, key) as partial:
                outcome = run_with_progress(download_command(wanted, partial), "fetching packages for Windows", log)
                if outcome.code != 0:
                    raise pip_failure(outcome.output, log)
    return folder / key


def download_command(wanted: Sequence[str], target: Path) -> list[str]:
    """The command that downloads wheels for Windows into a folder.

    Args:
        wanted: requirements.
        target: the folder.
    """
    command = [sys.executable, "-c", _RUN_PIP, json.dumps(_MARKERS), "download", "--no-input", "--dest", str(target)]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--platform=win_amd64", "--implementation=cp"]
    return [*command, f"--python-version={PYTHON_VERSION}", *wanted]


def unpack_wheels(folder: Path, target: Path) -> None:
    """Unpack every wheel in a folder, as an installation without programs would.

    Args:
        folder: the wheels.
        target: `site-packages`.
    """
    for wheel in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
