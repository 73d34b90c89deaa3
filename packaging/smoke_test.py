"""Tries an installed Hearth and measures how long it takes to start.

    python packaging/smoke_test.py --program /usr/bin/hearth
    python packaging/smoke_test.py --program dist/hearth/hearth --against-source --json

Needs Python 3.11 and Xvfb, nothing of Hearth. The home that Hearth is run with is a new folder, and goes again. Exit
codes: 0 if all checks passed, whatever the times are; 1 if one failed; 2 for wrong use.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from smoke.checks import CheckFailedError, checked, folder_is_untouched, without_window
from smoke.program import Program
from smoke.report import Check, Report
from smoke.screen import NoScreenError, Screen
from smoke.times import measure
from smoke.window import with_window

_SOURCE = Path(__file__).resolve().parents[1] / ".venv" / "bin" / "hearth"


def smoke_test(program: Program, source: Path | None, picture: Path | None, times: int) -> Report:
    """Make all checks, and measure.

    Args:
        program: the installed Hearth.
        source: a program `hearth` of a checkout to compare answers with, or None.
        picture: where a picture of the window is kept, or None.
        times: how often each time is measured; 0 measures none.
    """
    report = Report(program.path)
    before = program.state()
    report.checks += without_window(program, source)
    try:
        with Screen() as screen:
            program.display = screen.display
            report.checks += with_window(program, screen, picture)
            if times and report.is_good:
                _measure(report, program, screen, times)
    except NoScreenError as error:
        report.checks.append(Check("the window", "failed", str(error)))
    report.checks.append(checked("nothing was written beside it", lambda: folder_is_untouched(before, program.state())))
    return report


def _measure(report: Report, program: Program, screen: Screen, times: int) -> None:
    try:
        report.times += measure(program, screen, times, report.notes)
    except CheckFailedError as error:
        report.checks.append(Check("measuring", "failed", str(error)))


def main(arguments: Sequence[str]) -> int:
    """Read the arguments, try the program, and say what was found; returns the exit code."""
    parser = argparse.ArgumentParser(prog="smoke_test.py", description="Tries an installed Hearth.")
    parser.add_argument("--program", type=Path, required=True, help="the installed program `hearth`")
    parser.add_argument(
        "--against-source",
        type=Path,
        nargs="?",
        const=_SOURCE,
        metavar="HEARTH",
        help="compare its answer with that of a checkout (default: the one that this file is in)",
    )
    parser.add_argument("--picture", type=Path, help="keep a picture of the window in this PNG file")
    parser.add_argument("--times", type=int, default=3, help="how often each time is measured; 0 for not at all")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args(arguments)
    if not chosen.program.is_file():
        parser.error(f"There is no program {chosen.program}.")
    if chosen.against_source is not None and not chosen.against_source.is_file():
        parser.error(f"There is no program {chosen.against_source}; set the checkout up with `make run`.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else the screen would stay behind
    with tempfile.TemporaryDirectory(prefix="hearth-smoke-") as place:
        program = Program(chosen.program.absolute(), Path(place) / "home")
        program.home.mkdir()
        report = smoke_test(program, chosen.against_source, chosen.picture, chosen.times)
    print(report.document() if chosen.json else report.table())
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
