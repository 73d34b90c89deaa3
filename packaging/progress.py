"""Runs a long command quietly and shows that it is going on.

On a terminal one line is redrawn every second; elsewhere a line is printed now and then, so that a log stays short and
a watchdog sees life. What the command printed is kept in a log file.
"""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

QUIET_INTERVAL_S = 30.0
LIVE_INTERVAL_S = 1.0
_STEP = re.compile(r"^\s*\[\s*(\d+)/(\d+)\]|^\s*\[\s*(\d+)%\]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended, and all it printed (stdout and stderr together)."""

    code: int
    output: str


def run_with_progress(
    command: Sequence[str],
    title: str,
    log: Path,
    *,
    env: Mapping[str, str] | None = None,
    out: IO[str] | None = None,
    interval_s: float | None = None,
) -> Outcome:
    """Run `command` to its end while showing `title`, the time it has taken, and how far it is where it says so.

    Args:
        command: program and arguments.
        title: what it does, without a full stop.
        log: where its output goes; overwritten.
        env: its environment; None is ours.
        out: where progress is shown; None is stdout.
        interval_s: seconds between two signs of life; None suits a terminal or a log, whichever `out` is.

    Raises:
        FileNotFoundError: there is no such program.
    """
    out = out or sys.stdout
    meter = _Meter(title, out, live=out.isatty())
    interval_s = interval_s or (LIVE_INTERVAL_S if out.isatty() else QUIET_INTERVAL_S)
    with subprocess.Popen(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            with meter.ticking(interval_s):
                output = _read(process, log, meter)
        except BaseException:
            process.kill()
            raise
    meter.close(process.returncode)
    return Outcome(process.returncode, output)


def _read(process: subprocess.Popen[str], log: Path, meter: "_Meter") -> str:
    lines: list[str] = []
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        for line in process.stdout or ():
            lines.append(line)
            file.write(line)
            meter.read(line)
    process.wait()
    return "".join(lines)


def progress_of(line: str) -> float | None:
    """Share done in [0, 1] that a line of ninja (`[12/83] ...`) or make (`[ 40%] ...`) tells, or None."""
    match = _STEP.match(line)
    if match is None:
        return None
    done, total, percent = match.groups()
    if percent is not None:
        return min(int(percent), 100) / 100
    return min(int(done) / int(total), 1.0) if int(total) else None


class _Meter:
    """The line that shows how far a command is."""

    def __init__(self, title: str, out: IO[str], *, live: bool) -> None:
        self._title = title
        self._out = out
        self._live = live
        self._fraction: float | None = None
        self._started = time.monotonic()

    def read(self, line: str) -> None:
        fraction = progress_of(line)
        if fraction is not None:
            self._fraction = fraction

    @contextmanager
    def ticking(self, interval_s: float) -> Iterator[None]:
        finished = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(finished, interval_s))
        self._show()
        ticker.start()
        try:
            yield
        finally:
            finished.set()
            ticker.join()

    def _tick(self, finished: threading.Event, interval_s: float) -> None:
        while not finished.wait(interval_s):
            self._show()

    def _show(self) -> None:
        self._write("\r\x1b[K" + self._text() if self._live else self._text() + "\n")

    def close(self, code: int) -> None:
        self._fraction = None
        end = "done" if code == 0 else "failed"
        self._write(("\r\x1b[K" if self._live else "") + f"{self._text()} {end}\n")

    def _text(self) -> str:
        seconds = int(time.monotonic() - self._started)
        share = "" if self._fraction is None else f" {self._fraction:4.0%}"
        return f"  {self._title} {seconds // 60}:{seconds % 60:02d}{share}"

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
