"""Life: one process of a plugin, from its start to its end."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import psutil

from engine.plugins.contract.tasks import TaskContext
from engine.plugins.contract.values import Value, Values
from engine.plugins.manifest import Manifest, PermissionKind
from engine.plugins.process.clock import CallClock
from engine.plugins.process.confinement import confinement_of, hold
from engine.plugins.process.connection import ENDED, Connection, FaultError, outcome_of
from engine.plugins.process.descriptions import Description, read_description
from engine.plugins.process.launch import launch
from engine.plugins.process.limits import ProcessLimits
from engine.plugins.process.output import OutputTail
from engine.plugins.process.scratch import Scratch
from engine.plugins.process.shapes import ShapeError, read_values, send_values
from engine.plugins.process.task_session import TaskSession
from engine.plugins.process.wire import WireError

T = TypeVar("T")

_END_S: Final = 2.0
_BUSY_SHARE: Final = 0.25  # of one core, from which a plugin with nothing to do counts as busy
_MOST_THREADS: Final = 512
_LOOK_AT_LOAD_S: Final = 0.25
_LOOK_AT_SCRATCH_S: Final = 1.0
_QUIET_SIGNALS: Final = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")


class Life:
    """A running process and the line to it.

    Thread: constructed, watched and ended on one thread; calls from any.

    Attributes:
        memory_bytes: resident, when it was last looked at.
        changed: set when there may be something for `check` to find.
    """

    def __init__(self, folder: Path, manifest: Manifest, limits: ProcessLimits) -> None:
        self.memory_bytes = 0
        self.changed = threading.Event()
        self._manifest = manifest
        self._limits = limits
        granted = {permission.kind for permission in manifest.permissions}
        self._has_models = PermissionKind.MODELS in granted
        self._has_programs = PermissionKind.SUBPROCESS in granted
        self._fault: FaultError | None = None  # set by the reader, once
        try:
            self._scratch = Scratch(manifest.id)
            with ExitStack() as undo:
                undo.callback(self._scratch.remove)
                self._process, stream, printed = launch(confinement_of(folder, self._scratch.folder, manifest))
                undo.pop_all()
        except OSError as error:
            raise FaultError(f"could not be started: {error}") from error
        self._dropped: deque[int] = deque()
        self._hold = hold(self._process)
        self._output = OutputTail(printed, limits.output_bytes)
        self._connection = Connection(stream, limits, self.blame)
        self._usage = psutil.Process(self._process.pid)
        self._idle_since_s = self._looked_s = self._scratch_s = time.monotonic()
        self._cpu_s = 0.0
        self._begun = 0

    def drop(self, number: int) -> None:
        """Note that an opened format is not needed any more; the plugin hears of it with the next one. Any thread."""
        self._dropped.append(number)

    def take_dropped(self) -> list[int]:
        """Formats that are not needed any more."""
        dropped = []
        while self._dropped:
            dropped.append(self._dropped.popleft())
        return dropped

    # ------------------------------------------------------------------------------------------------------- calls

    def describe(self, folder: Path, settings: Values, stopping: threading.Event) -> Description:
        """Have the plugin loaded, and say what it offers; watches meanwhile, and gives up when `stopping` is set.

        Raises:
            EngineError: the plugin's own.
            FaultError: it has failed.
        """
        clock = CallClock(self._limits.start_s, f"took more than {self._limits.start_s:g} s to start")
        call = self._connection.begin("start", [str(folder.resolve()), self._manifest, send_values(settings)], clock)
        while call.events.empty():
            self.changed.wait(self._limits.tick_s / 10)
            self.check()
            if stopping.is_set():
                raise FaultError("was stopped while it was starting")
        event = call.events.get()
        if isinstance(event, FaultError):
            raise event
        return self._read(event, read_description)

    def call(self, name: str, body: object, read: Callable[[Any], T]) -> T:
        """Ask something of the plugin, and wait for it.

        Args:
            name: what is asked.
            body: with which arguments.
            read: makes a value of the plain answer; raises `ShapeError`.

        Raises:
            EngineError: the plugin's own.
            FaultError: it has failed.
        """
        limit_s = self._limits.call_s
        clock = CallClock(limit_s, f"did not answer within {limit_s:g} s ({name})")
        call = self._connection.begin(name, body, clock)
        event = call.events.get()
        while not isinstance(event, FaultError) and not event.is_answer:
            event = call.events.get()  # only tasks may speak
        if isinstance(event, FaultError):
            raise event
        return self._read(event, read)

    def run(self, index: int, inputs: Values, context: TaskContext) -> dict[str, Value]:
        """Run a task.

        Raises:
            EngineError: the plugin's own, or the context's.
            FaultError: it has failed.
        """
        limit_s = self._manifest.time_limit_s
        clock = CallClock(limit_s, f"computed for more than {limit_s:g} s")
        call = self._connection.begin("run", [index, send_values(inputs)], clock)
        session = TaskSession(self._connection, call, context, self._limits.grace_s, has_models=self._has_models)
        try:
            return self._read(session.wait(), read_values)
        finally:
            self._connection.finish(call)

    # ---------------------------------------------------------------------------------------------------- watching

    def check(self) -> None:
        """Look at it; costs 0.1 ms.

        Raises:
            FaultError: it must not go on.
        """
        if self._fault is not None:
            raise self._fault
        if self._process.poll() is not None:
            raise FaultError(ENDED)
        if (call := self._connection.overdue()) is not None:
            raise FaultError(call.clock.what)
        if self._connection.is_deaf(self._limits.listen_s):
            raise FaultError(f"did not listen to Hearth for {self._limits.listen_s:g} s")
        now_s = time.monotonic()
        if now_s - self._looked_s >= _LOOK_AT_LOAD_S or not self._connection.is_idle():
            with suppress(psutil.Error):  # it has just ended: the next look finds that
                self._look_at_load(now_s)

    def blame(self, fault: FaultError) -> None:
        """Have `check` find a fault; the first one counts. Any thread."""
        self._fault = self._fault or fault
        self.changed.set()

    def tick_s(self) -> float:
        """Time until the next `check`."""
        return self._limits.tick_s if not self._connection.is_idle() else min(0.5, self._limits.call_s / 2)

    def end(self, fault: FaultError, known: Callable[[FaultError], None] = lambda fault: None) -> None:
        """End it; `known` gets the fault with all that there is to say, before the calls in flight end with it."""
        with suppress(subprocess.TimeoutExpired):
            if self._fault is not None:  # it may be about to say with its exit code what has happened
                self._process.wait(_LOOK_AT_LOAD_S)
        code = self._process.poll()
        self._kill()
        self._output.join(_LOOK_AT_LOAD_S)
        what = ending_of(code) if fault.what == ENDED else fault.what
        complete = FaultError(what, fault.details or self._output.text(), is_fatal=fault.is_fatal)
        known(complete)
        self._connection.close(complete)
        self._scratch.remove()

    def _kill(self) -> None:
        if sys.platform != "win32" and (self._process.poll() is None or self._has_programs):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)  # it leads a group, with what it may have started
        if self._process.poll() is None:
            self._process.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)

    def _look_at_load(self, now_s: float) -> None:
        with self._usage.oneshot():
            self.memory_bytes = self._usage.memory_info().rss
            times, threads = self._usage.cpu_times(), self._usage.num_threads()
        if self.memory_bytes > self._manifest.memory_bytes:
            raise FaultError(
                f"took {self.memory_bytes >> 20:,} MiB of memory, of which it may take "
                f"{self._manifest.memory_bytes >> 20:,} MiB"
            )
        if threads > _MOST_THREADS:
            raise FaultError(f"has started {threads:,} threads, of which it may have {_MOST_THREADS:,}")
        if now_s - self._scratch_s > _LOOK_AT_SCRATCH_S:
            self._scratch_s = now_s
            if self._scratch.is_full(process=self._process.pid):
                raise FaultError("has filled its folder for temporary files")
        cpu_s = times.user + times.system
        begun = self._connection.calls_begun()
        is_asked = begun != self._begun or not self._connection.is_idle()
        if is_asked or cpu_s - self._cpu_s < _BUSY_SHARE * (now_s - self._looked_s):
            self._idle_since_s = now_s
        self._cpu_s, self._looked_s, self._begun = cpu_s, now_s, begun
        if now_s - self._idle_since_s > self._limits.busy_s:
            raise FaultError(f"kept the processor busy for {self._limits.busy_s:g} s while nothing was asked of it")

    def _read(self, event: Any, read: Callable[[Any], T]) -> T:
        plain = outcome_of(event, self._manifest.id)
        try:
            return read(plain)
        except (ShapeError, WireError) as error:
            raise FaultError(f"answered with {error}", is_fatal=False) from error


def ending_of(code: int | None) -> str:
    """How a process has ended: its exit code, minus the number of a signal, or None if it runs without its line."""
    if code is None:
        return "has closed its line to Hearth"
    if code >= 0:
        return f"has ended by itself with the exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was ended from outside ({name})" if name in _QUIET_SIGNALS else f"has crashed ({name})"
