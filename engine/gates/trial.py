"""Tries a model file out in a process of its own, watches that, and says what came of it."""

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import psutil

from engine.backends.llama.variants import VARIABLE as CPU_VARIANT
from engine.cards import GateReport, Trust
from engine.errors import EngineError
from engine.gates.limits import TrialLimits
from engine.gates.probe_child import FLAG
from engine.plugins.process.confinement import Confinement, hold
from engine.plugins.process.launch import child_environment
from engine.programs import NO_WINDOW, process_command

_KEPT_VARIABLES: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PATH", CPU_VARIANT)
_TICK_S: Final = 0.05
_LINE_BYTES: Final = 64 << 10
_SAID_BYTES: Final = 4 << 10
_GET_ANOTHER: Final = "Do not use this file; get the model from its author again, or in another version."


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What is tried.

    Attributes:
        files: of the model; the first one is opened.
        kind: `gguf` or `onnx`.
        words_only: leave the weights alone.
        limits: of the process.
    """

    files: Sequence[Path]
    kind: str
    words_only: bool
    limits: TrialLimits

    @property
    def name(self) -> str:
        """Of the file, for people."""
        return self.files[0].name


def run_trial(trial: Trial, is_wanted: Callable[[], bool]) -> GateReport:
    """Try a model; blocks. An untried one is reported where the process could not do its work, whatever the file is.

    Thread: one that goes on living: on Linux the process ends with it.

    Args:
        trial: what to try.
        is_wanted: asked twenty times a second.

    Raises:
        EngineError: `is_wanted` ended it.
    """
    with tempfile.TemporaryDirectory(prefix="hearth-trial-", ignore_cleanup_errors=True) as scratch:
        try:
            process = _start(trial, Path(scratch))
        except OSError as error:
            return _untried(trial, str(error.strerror or error))
        try:
            return _Watch(trial, process).until_it_ends(is_wanted)
        finally:
            process.kill()
            process.wait()


def confinement_of(trial: Trial, scratch: Path) -> Confinement:
    """What the process may do: read the model's files, and write into an empty folder of its own."""
    own = str(scratch.resolve())
    named = dict.fromkeys(str(place) for path in trial.files for place in (path, path.resolve()))
    return Confinement(folder=own, scratch=own, readable=tuple(named), memory_bytes=trial.limits.memory_bytes)


def _start(trial: Trial, scratch: Path) -> "subprocess.Popen[bytes]":
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return subprocess.Popen(
        _command(trial, confinement_of(trial, scratch)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=scratch,
        env=child_environment(scratch) | kept | {"GGML_NO_BACKTRACE": "1"},
        start_new_session=sys.platform != "win32",
        creationflags=NO_WINDOW,
    )


def _command(trial: Trial, confinement: Confinement) -> list[str]:
    threads = str(max(1, min(4, (os.cpu_count() or 1))))
    extent = "words" if trial.words_only else "all"
    arguments = (confinement.to_json(), trial.kind, extent, threads, str(trial.files[0].absolute()))
    return process_command(FLAG, *arguments, is_isolated=True)


class _Watch:
    """Listens to a trial and bounds it."""

    def __init__(self, trial: Trial, process: "subprocess.Popen[bytes]") -> None:
        self._trial = trial
        self._process = process
        self._job = hold(process)
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._said = b""
        assert process.stdout is not None
        assert process.stderr is not None
        self._readers = [
            threading.Thread(target=self._listen, args=(process.stdout,), name="hearth-trial-read", daemon=True),
            threading.Thread(target=self._keep_end, args=(process.stderr,), name="hearth-trial-errors", daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def until_it_ends(self, is_wanted: Callable[[], bool]) -> GateReport:
        limits, name = self._trial.limits, self._trial.name
        has_begun, result = False, None
        until_s = time.monotonic() + limits.start_s
        while result is None:
            message = self._next()
            if message.get("stage") == "begun":
                has_begun, until_s = True, time.monotonic() + limits.seconds
            elif message:
                result = message
            elif self._process.poll() is not None and not self._readers[0].is_alive() and self._lines.empty():
                return self._ended(has_begun=has_begun)
            elif not is_wanted():
                raise EngineError(f"Trying {name} was cancelled.")
            elif time.monotonic() > until_s:
                if not has_begun:
                    return _untried(self._trial, f"it has not begun after {limits.start_s:.0f} s")
                return _refused(
                    "probe-timeout",
                    f"Trying {name} took more than {limits.seconds:.0f} s, so it was ended.",
                    "If the machine was busy, check the model again; else get it in another version.",
                )
            elif self._memory_bytes() > limits.memory_bytes:
                return self._too_much_memory()
        return self._report(result)

    def _report(self, result: dict[str, str]) -> GateReport:
        name, stage = self._trial.name, result.get("stage")
        if stage == "done":
            return GateReport(trust=Trust.PASSED)
        if stage == "memory":
            return self._too_much_memory()
        cause = result.get("cause") or "it said nothing"
        if stage == "refused":
            return _refused(result.get("rule") or "probe-error", cause, result.get("remedy") or _GET_ANOTHER)
        return _refused("probe-error", f"Trying {name} failed: {cause.rstrip('.')}.", _GET_ANOTHER)

    def _ended(self, *, has_begun: bool) -> GateReport:
        code, said = self._process.returncode, self._said.decode(errors="replace").strip().splitlines()
        how = signal.Signals(-code).name if -code in set(signal.Signals) else f"code {code}"
        if how == "SIGKILL":  # not ours: the system does that when memory runs out
            return _untried(self._trial, "the system ended its process, for want of memory it seems")
        if not has_begun:
            return _untried(self._trial, f"its process ended with {how}: {said[-1][:300] if said else 'no reason'}")
        return _refused(
            "probe-crash", f"Trying {self._trial.name} crashed the process in which it was tried ({how}).", _GET_ANOTHER
        )

    def _too_much_memory(self) -> GateReport:
        most = self._trial.limits.memory_bytes / (1 << 30)
        return _refused(
            "probe-memory",
            f"Trying {self._trial.name} took more than {most:.1f} GiB, much more than its size needs.",
            _GET_ANOTHER,
        )

    def _next(self) -> dict[str, str]:
        """The next message; empty if there is none within a moment, or it is none."""
        try:
            found = json.loads(self._lines.get(timeout=_TICK_S))
        except (queue.Empty, ValueError):
            return {}
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}

    def _memory_bytes(self) -> int:
        try:
            return int(psutil.Process(self._process.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def _listen(self, stream: IO[bytes]) -> None:
        with stream:
            while line := stream.readline(_LINE_BYTES):
                self._lines.put(line)

    def _keep_end(self, stream: IO[bytes]) -> None:
        with stream:
            while piece := stream.read(_SAID_BYTES):
                self._said = (self._said + piece)[-_SAID_BYTES:]


def _refused(rule: str, cause: str, remedy: str) -> GateReport:
    return GateReport(trust=Trust.REFUSED, rule=rule, cause=cause, remedy=remedy)


def _untried(trial: Trial, why: str) -> GateReport:
    return GateReport(
        trust=Trust.UNTRIED,
        rule="probe-start",
        cause=f"{trial.name} could not be tried out: {why.rstrip('.')}.",
        remedy="See `hearth doctor`. If you trust the file, the setting probe_files can be switched off meanwhile.",
    )
