"""Makes the Setup for Windows: the frozen program, then NSIS. On Linux under Wine, on Windows as it is.

python packaging/release/windows.py    dist/Hearth-VERSION-setup.exe
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also when this file is the program

from failure import exit_code

from release.freeze import freeze, site_packages
from release.freeze_windows import PROGRAMS, TREE, describe, freeze_windows, put_runtime
from release.notices import write_notices
from release.nsis import make_setup
from release.plan import DIST, ROOT, project_version
from release.sbom import write_sbom
from release.signing import sign_windows


def make_installer() -> Path:
    """Make the Setup from the checkout, with all that it needs, and the list of what is in it.

    Returns:
        The file in `dist`.

    Raises:
        SetupError: something is missing or failed.
    """
    is_native = sys.platform == "win32"
    tree = freeze_here(ROOT / ".venv") if is_native else freeze_windows(ROOT / ".venv")
    packages = site_packages(TREE.parent / ("venv" if is_native else "python"))
    write_notices(tree, packages, "windows")
    sign_windows([tree / name for name in PROGRAMS])
    write_sbom(tree, packages, "windows", DIST)  # after signing, which changes what it holds the hashes of
    return make_setup(tree, TREE.parent / "hearth.ico", project_version())


def freeze_here(venv: Path) -> Path:
    """Make the frozen tree on Windows itself.

    Args:
        venv: the environment of the checkout.

    Raises:
        SetupError: something is missing or failed.
    """
    TREE.parent.mkdir(parents=True, exist_ok=True)
    os.environ.update({name: str(path) for name, path in describe(TREE.parent).items()})
    tree = freeze(venv)
    put_runtime(site_packages(TREE.parent / "venv"), tree)
    return tree


def main() -> int:
    """Make it; returns the exit code."""
    return exit_code(lambda: make_installer())


if __name__ == "__main__":
    sys.exit(main())
