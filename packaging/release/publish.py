"""What is made of all installers together: `latest.json`, `SHA256SUMS`, and the table of sizes.

python packaging/release/publish.py    over what lies in dist/
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also when this file is the program

from failure import SetupError

from release.checksums import write_checksums
from release.files import SYSTEMS
from release.latest import write_latest
from release.plan import DIST, WORK, project_version
from release.table import print_table

TREES: Final[Mapping[str, Path]] = {system: WORK / system / "hearth" for system in SYSTEMS}
"""Where the frozen program of each system is, if it was made here."""


def publish(dist: Path, version: str, trees: Mapping[str, Path]) -> bool:
    """Write what belongs to all files of a version, and print the table.

    Args:
        dist: folder with the files.
        version: of Hearth.
        trees: folder of the frozen program, by system.

    Returns:
        Whether every size stays within its target.

    Raises:
        SetupError: there is nothing in `dist`, or it could not be signed.
    """
    write_latest(dist, version)
    write_checksums(dist, version)
    return print_table(dist, version, trees)


def main() -> int:
    """Do it over `dist`; returns the exit code, which a size beyond its target does not change: the table says it."""
    try:
        publish(DIST, project_version(), TREES)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
