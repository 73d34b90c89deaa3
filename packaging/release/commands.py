"""What `make installer-linux`, `make installer-windows` and `make installers` do.

It runs in the environment of the checkout, with what the extra `package` of pyproject.toml brings.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also when this file is the program

from failure import SetupError, exit_code

from release import windows
from release.deb import make_deb
from release.freeze import freeze, site_packages
from release.notices import write_notices
from release.plan import DIST, ROOT, WORK, project_version
from release.publish import TREES, publish
from release.sbom import write_sbom
from release.tarball import make_tarball

_LINUX: Final = WORK / "linux"


def installer_linux() -> None:
    """Make the package for Debian and Ubuntu, the archive for any Linux, and the list of what is in them."""
    if sys.platform != "linux":
        raise SetupError("Installers for Linux are made on Linux.", "Use a machine or a container with Debian 12.")
    tree = freeze(ROOT / ".venv")
    packages = site_packages(_LINUX / "venv")
    write_notices(tree, packages, "linux")
    write_sbom(tree, packages, "linux", DIST)
    print(make_deb(tree, DIST, _LINUX / "deb", project_version()).relative_to(ROOT), flush=True)
    print(make_tarball(tree, DIST, _LINUX / "tarball", project_version()).relative_to(ROOT), flush=True)


def installer_windows() -> None:
    """Make the Setup for Windows and the list of what is in it; on Linux under Wine, which takes root."""
    print(windows.make_installer().relative_to(ROOT), flush=True)


def installers() -> None:
    """Make all that can be made here, sum it up, and print sizes and targets."""
    if sys.platform == "linux":
        installer_linux()
    installer_windows()
    publish(DIST, project_version(), TREES)


COMMANDS: Final[Mapping[str, Callable[[], None]]] = {
    "linux": installer_linux,
    "windows": installer_windows,
    "all": installers,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="commands.py", description="Makes what people download.")
    parser.add_argument("command", choices=COMMANDS)
    return exit_code(COMMANDS[parser.parse_args(arguments).command])


if __name__ == "__main__":
    sys.exit(main())
