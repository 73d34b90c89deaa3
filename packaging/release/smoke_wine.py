"""Tries Hearth's Setup on a fresh Windows of Wine's: install, use, upgrade, uninstall; the log stays.

python packaging/release/smoke_wine.py    what was seen goes to build/release/windows/smoke/

That is no proof for a real Windows: Wine has no DirectX 12, no SmartScreen, and Linux's threads and files.
"""

import os
import shutil
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also when this file is the program

from failure import SetupError

from release import nsis, smoke_steps
from release.freeze_windows import TREE
from release.plan import ROOT, WORK, project_version
from release.smoke_report import Report
from release.wine import Wine
from release.wine_root import prefix_folder

FOLDER = WORK / "windows" / "smoke"


def smoke(setup: Path) -> bool:
    """Try a Setup from beginning to end.

    Args:
        setup: the file that people download.

    Returns:
        Whether everything went well; what was seen is in `build/release/windows/smoke/log.txt`.

    Raises:
        SetupError: Wine or NSIS cannot be had.
    """
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    newer = nsis.make_setup(TREE, TREE.parent / "hearth.ico", smoke_steps.NEWER, FOLDER, is_quick=True)
    prefix = prefix_folder("trial")
    shutil.rmtree(prefix, ignore_errors=True)
    with Report(FOLDER / "log.txt") as report, Wine(prefix, has_redistributable=False) as wine:
        now = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        report.note(f"{setup.name}, {setup.stat().st_size:,} bytes, under Wine 10 on {now}")
        trial = smoke_steps.Trial(wine, report, setup, newer, FOLDER, ROOT / ".venv")
        for step in smoke_steps.STEPS:
            report.step(step.__doc__ or step.__name__, partial(step, trial))
    return report.is_good


def main() -> int:
    """Try the Setup of this version; returns the exit code."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    setup = nsis.setup_file(project_version())
    try:
        if not setup.is_file():
            raise SetupError("There is no Setup to try.", "Make it with `make installer-windows`.")
        return 0 if smoke(setup) else 1
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
