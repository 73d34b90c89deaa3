"""An installed Hearth: started with a home of its own, so that nobody's data is touched."""

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PASSED_ON: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR")
_LIMIT_S: Final = 300.0
_END_S: Final = 20.0
VARIANT: Final = "HEARTH_CPU_VARIANT"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """What it said last, for a report."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return f"code {self.code}: {lines[-1] if lines else 'it said nothing'}"


@dataclass(slots=True)
class Program:
    """A program `hearth` and the home it is run with.

    Attributes:
        path: of the program; links are followed to find its folder.
        home: of the person who runs it; new and empty.
        display: such as `:99`; empty where there is no screen.
        variables: more of the environment.
    """

    path: Path
    home: Path
    display: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Where the program and what belongs to it are."""
        return self.path.resolve().parent

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the program sees: little, so that it works by itself and not by accident of this terminal."""
        run = self.home / "run"
        run.mkdir(mode=0o700, parents=True, exist_ok=True)
        shown = {"DISPLAY": self.display} if self.display else {}
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return {
            **passed,
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(run),
            **shown,
            **self.variables,
            **(more or {}),
        }

    def run(self, *arguments: str, env: Mapping[str, str] | None = None, limit_s: float = _LIMIT_S) -> Ended:
        """Run a command to its end; one that takes too long is ended, with code 124."""
        return _wait(self.start(*arguments, env=env), limit_s)

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        """Start a command in a session of its own, by which its children are known."""
        return subprocess.Popen(
            [str(self.path), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=self.environment(env),
            cwd=self.home,
            start_new_session=True,
        )

    def document(self, *arguments: str, env: Mapping[str, str] | None = None) -> Mapping[str, object]:
        """Run a command with `--json` and read what it says.

        Raises:
            ValueError: it failed, or printed no JSON.
        """
        ended = self.run(*arguments, "--json", env=env)
        if ended.code != 0:
            raise ValueError(ended.complaint)
        found = json.loads(ended.out)
        if not isinstance(found, dict):
            raise ValueError(f"{arguments[0]} printed no object")
        return found

    def variants(self) -> list[str]:
        """Names of the libraries for generations of processors that come with it; sorted."""
        files = (self.folder / "_internal" / "llama_cpp" / "lib").glob("libggml-cpu-*.so")
        return sorted(path.stem.removeprefix("libggml-cpu-") for path in files)

    def state(self) -> dict[str, str]:
        """Every file of its folder with a digest, to see later whether something was written there."""
        return {str(path.relative_to(self.folder)): _digest(path) for path in sorted(self.folder.rglob("*"))}


def end(process: "subprocess.Popen[str]", limit_s: float = _END_S) -> Ended:
    """Ask a program to end and wait until it has; one that does not is killed, with code 124."""
    process.send_signal(signal.SIGTERM)
    return _wait(process, limit_s)


def _wait(process: "subprocess.Popen[str]", limit_s: float) -> Ended:
    try:
        out, err = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        return Ended(124, out, f"{err}\nIt did not end within {limit_s:.0f} s.")
    return Ended(process.returncode, out, err)


def left_of(session: int, wait_s: float = 3.0) -> list[str]:
    """Commands that still run in a session, after a moment to end.

    Args:
        session: process id of the program that began it.
        wait_s: longest time to wait for the last one.
    """
    until_s = time.monotonic() + wait_s
    while (left := _running_in(session)) and time.monotonic() < until_s:
        time.sleep(0.1)
    return left


def _running_in(session: int) -> list[str]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            if int(fields[3]) == session and fields[0] != "Z":
                words = status.with_name("cmdline").read_bytes().replace(b"\0", b" ")
                found.append(words.decode(errors="replace").strip())
        except (OSError, ValueError, IndexError):
            continue  # it has ended meanwhile
    return found


def _digest(path: Path) -> str:
    if path.is_symlink():
        return f"-> {os.readlink(path)}"
    if not path.is_file():
        return "folder"
    with path.open("rb") as file:
        return f"{hashlib.file_digest(file, 'sha256').hexdigest()} {path.stat().st_mtime_ns}"


def joined(words: Sequence[str]) -> str:
    """Words as a list in a sentence, no more than three of them."""
    return ", ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")
