"""A kind of job whose steps a test lets pass one by one, and a program that runs such jobs until it is killed."""

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.background import JobKind
from engine.jobs import JobBoard, JobControl, Spec


def wait_until(is_so: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait for what another thread is about to do."""
    until_s = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until_s, "it did not happen in time"
        time.sleep(0.005)


class Steps:
    """Writes a line per step into the file that its spec names; goes on after the last line that is there."""

    can_pause = True

    def __init__(self, at_once: int = 2, step_s: float = 0.0) -> None:
        self.at_once = at_once
        self._step_s = step_s
        self.may_end = threading.Event()
        self.runs: list[str] = []
        self.ends: list[str] = []
        self.discarded: list[str] = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def run(self, spec: Spec, control: JobControl) -> str:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            self.runs.append(spec["file"])
        try:
            return self._run(spec, control)
        finally:
            with self._lock:
                self._now -= 1
                self.ends.append(spec["file"])

    def _run(self, spec: Spec, control: JobControl) -> str:
        path = Path(spec["file"])
        first = len(path.read_text().splitlines()) if path.exists() else 0
        for step in range(first, spec["steps"]):
            control.sleep(self._step_s)
            with path.open("a") as file:
                file.write(f"{step}\n")
            control.tell(step + 1, spec["steps"], f"step {step}")
        if spec.get("error"):
            raise spec["error"] if isinstance(spec["error"], Exception) else ValueError(spec["error"])
        while not self.may_end.is_set():
            control.sleep(0.005)
        return str(path)

    def discard(self, spec: Spec) -> None:
        Path(spec["file"]).unlink(missing_ok=True)
        self.discarded.append(spec["file"])  # last: tests wait for it


def board_of(home: Path, work: Any, **more: Any) -> JobBoard:
    return JobBoard(home / "jobs.json", {JobKind.DOWNLOAD: work}, **more)


def main(home: Path) -> None:
    """Run jobs, ten steps each, until everything is done; say which ids there are."""
    board = board_of(home, work := Steps(step_s=0.02))
    work.may_end.set()
    board.open()
    if not board.jobs():
        for number in range(3):
            board.add(JobKind.DOWNLOAD, f"job {number}", {"file": str(home / f"{number}.txt"), "steps": 10})
    os.write(1, b"open\n")
    while not all(job.is_over for job in board.jobs()):
        time.sleep(0.01)
    board.close()
    os.write(1, b"done\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
