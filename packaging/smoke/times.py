"""How long starts take, by a clock outside of the program; each counts from just before the process is created."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from smoke.checks import CheckFailedError
from smoke.cold import make_cold
from smoke.program import Program
from smoke.report import Time
from smoke.screen import Screen
from smoke.window import open_and_close

WINDOW_TARGET_S: Final = 2.0
TOKEN_TARGET_S: Final = 5.0
HOW: Final = (
    "A window counts as painted when nine tenths of the points that it changes on Xvfb's screen are as they stay,"
    " looked at every 10 ms; the first token is the first character that `hearth run starter` prints."
)


def measure(program: Program, screen: Screen, times: int, notes: list[str]) -> Iterator[Time]:
    """Measure all that is measured; warm figures follow the cold ones.

    Args:
        program: the installed one; its display is the screen.
        screen: nothing else is shown on it.
        times: how often each is measured.
        notes: gets how it was measured.
    """
    kinds: tuple[tuple[str, float, Callable[[], float]], ...] = (
        ("start to painted window", WINDOW_TARGET_S, lambda: _window(program, screen)),
        ("start to first token", TOKEN_TARGET_S, lambda: _first_token(program)),
    )
    for name, target_s, once in kinds:
        cold = [_cold(program, once, notes) for _ in range(times)]
        yield Time(f"{name}, cold cache", tuple(cold), target_s)
        yield Time(f"{name}, warm cache", tuple(once() for _ in range(times)))
    notes.append(HOW)
    notes.append(f"Load average while measuring: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    yield from _from_inside(program, notes)


def _cold(program: Program, once: Callable[[], float], notes: list[str]) -> float:
    how = make_cold(program.folder)
    if (note := f"Cold: before each start {how}.") not in notes:
        notes.append(note)
    return once()


def _window(program: Program, screen: Screen) -> float:
    opened = open_and_close(program, screen)
    if opened.painted_s is None:
        raise CheckFailedError(f"no window came: {opened.end.complaint}")
    return opened.painted_s


def _first_token(program: Program) -> float:
    began_s = time.monotonic()
    process = program.start("run", "starter", "hi", "--max-tokens", "8", "--no-cache")
    assert process.stdout is not None
    first = process.stdout.read(1)
    seconds = time.monotonic() - began_s
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    _out, errors = process.communicate()
    if not first:
        raise CheckFailedError(f"no token came: {errors.strip()[-200:]}")
    return seconds


def _from_inside(program: Program, notes: list[str]) -> Iterator[Time]:
    """What the program itself says of its start, for comparison; it is warm then."""
    ended = program.run("bench", "startup", "--quick", "--json", env={"QT_QPA_PLATFORM": "xcb"})
    if ended.code != 0:
        notes.append(f"hearth bench startup: {ended.complaint}.")
        return
    for name, milliseconds in _figures(json.loads(ended.out)).items():
        title = name.removesuffix("_ms").replace("_", " ")
        yield Time(f"hearth bench startup: {title}", (milliseconds / 1000,))


def _figures(document: object) -> Mapping[str, float]:
    reports = document if isinstance(document, list) else [document]
    found: dict[str, float] = {}
    for report in reports:
        if isinstance(report, dict):
            inner = report.get("reports") or report.get("benches")
            found.update(_figures(inner) if inner else {})
            found.update({k: v for k, v in (report.get("figures") or {}).items() if isinstance(v, int | float)})
    return found
