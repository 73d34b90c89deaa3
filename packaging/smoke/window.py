"""The window of an installed Hearth: does it appear, does a second start give way, does it end when it is asked to."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from smoke.checks import CheckFailedError, checked
from smoke.program import Ended, Program, end, left_of
from smoke.report import Check
from smoke.screen import Screen, painted_s, watch

_APPEARS_S: Final = 60.0
_SETTLES_S: Final = 4.0
_SECOND_S: Final = 30.0
_TROUBLE: Final = ("Traceback", "Could not load", "could not find", "qt.qpa", "error while loading")


@dataclass(frozen=True, slots=True)
class Opened:
    """A window that was opened for a measurement.

    Attributes:
        painted_s: seconds from the start of the program to its picture; None if none came.
        end: how the program ended when it was asked to.
        left: commands of its session that were still there.
    """

    painted_s: float | None
    end: Ended
    left: list[str]


def open_and_close(program: Program, screen: Screen) -> Opened:
    """Open the window, watch it being painted, and end it."""
    before = screen.sample()
    began_s = time.monotonic()
    process = program.start("--window")
    looks = watch(screen, before, began_s, _SETTLES_S, _APPEARS_S)
    ended = end(process)
    left = left_of(process.pid)
    _await_blank(screen, before)
    return Opened(painted_s(before, looks), ended, left)


def with_window(program: Program, screen: Screen, picture: Path | None) -> Iterator[Check]:
    """Checks of the window, in the order of its life.

    Args:
        program: the installed one; its display is the screen.
        screen: nothing else is shown on it.
        picture: where a picture of the window is kept; None keeps none.
    """
    before = screen.sample()
    process = program.start("--window")
    yield checked("the window appears", lambda: _appears(process, screen, before, picture))
    if process.poll() is None:
        yield checked("a second start gives way to it", lambda: _gives_way(program, process))
        if picture is not None:
            screen.save(picture)  # by now even a slow machine shows more than the first picture
    ended: list[Ended] = []
    yield checked("it ends when it is asked to", lambda: _ends(process, ended))
    yield checked("nothing of it is left running", lambda: _left(process))
    yield checked("it complains of nothing", lambda: _quiet(ended))
    _await_blank(screen, before)


def _appears(process: "subprocess.Popen[str]", screen: Screen, before: bytes, picture: Path | None) -> str:
    looks = watch(screen, before, time.monotonic(), _SETTLES_S, _APPEARS_S)
    seconds = painted_s(before, looks)
    if picture is not None:
        screen.save(picture)
    if process.poll() is not None:
        _out, errors = process.communicate()
        raise CheckFailedError(Ended(process.returncode, "", errors).complaint)
    if seconds is None:
        raise CheckFailedError(f"nothing within {_APPEARS_S:.0f} s")
    return f"its picture is {picture}" if picture is not None else ""


def _gives_way(program: Program, first: "subprocess.Popen[str]") -> str:
    second = program.run("--window", limit_s=_SECOND_S)
    if second.code != 0:
        raise CheckFailedError(second.complaint)
    if first.poll() is not None:
        raise CheckFailedError("the first one ended")
    return ""


def _ends(process: "subprocess.Popen[str]", ended: list[Ended]) -> str:
    if process.poll() is not None:
        raise CheckFailedError(f"it had ended before, with code {process.returncode}")
    began_s = time.monotonic()
    ended.append(end(process))
    if ended[0].code != 0:
        raise CheckFailedError(ended[0].complaint)
    return f"after {time.monotonic() - began_s:.1f} s"


def _left(process: "subprocess.Popen[str]") -> str:
    if left := left_of(process.pid):
        raise CheckFailedError(f"still there: {'; '.join(left)}")
    return ""


def _quiet(ended: list[Ended]) -> str:
    lines = [line for each in ended for line in each.err.splitlines()]
    if trouble := [line for line in lines if any(word in line for word in _TROUBLE)]:
        raise CheckFailedError(trouble[-1])
    return f"it printed {len(lines)} lines" if lines else ""


def _await_blank(screen: Screen, before: bytes) -> None:
    """Let the server clear away what a window left, or the next one would seem to be there at once."""
    until_s = time.monotonic() + 3
    with suppress(OSError):
        while screen.sample() != before and time.monotonic() < until_s:
            time.sleep(0.05)
