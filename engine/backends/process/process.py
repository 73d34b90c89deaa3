"""DeviceProcess: Hearth's end of a process that computes on a device.

Why a process: a driver that loses its device, a server that goes away, or memory that runs out inside a library ends
the process it happens in. Here that is a process of its own, and Hearth goes on elsewhere. A call costs some 50 µs.
"""

import contextlib
import logging
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO, Any, Final

from engine import errors
from engine.backends.process.frames import Frame, FrameError, Payload, receive, send
from engine.backends.process.launch import launch
from engine.errors import DeviceLostError, EngineError

log = logging.getLogger(__name__)

_KEPT_LINES: Final = 40
_END_S: Final = 5.0


class DeviceProcess:
    """A worker in a process of its own, asked one thing at a time.

    Attributes:
        pid: of the process.

    Thread: any; calls wait for each other.
    """

    def __init__(self, worker: str, what: str, descriptors: Sequence[int] = ()) -> None:
        """Start it.

        Args:
            worker: `module:class`, see `child.Worker`.
            what: completes sentences about it, such as `gpu:0`.
            descriptors: of ours that it inherits.

        Raises:
            DeviceLostError: the system starts no more processes.
        """
        self._what = what
        self._lock = threading.Lock()
        self._end = ""  # why it takes no more calls
        try:
            self._process, self._stream = launch(worker, descriptors)
        except OSError as error:
            raise DeviceLostError(f"No process for {what} can be started: {error.strerror}.") from error
        self.pid = self._process.pid
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        assert self._process.stderr is not None
        self._log = threading.Thread(target=self._keep_log, args=(self._process.stderr,), name="hearth-device-log")
        self._log.daemon = True
        self._log.start()

    def call(
        self,
        name: str,
        body: Any = None,
        payloads: Sequence[Payload] = (),
        *,
        within_s: float,
        on_told: Callable[[float], bool] | None = None,
    ) -> tuple[Any, Sequence[Payload]]:
        """Ask something and wait for the answer.

        Args:
            name: of the worker's method.
            body: what msgpack knows.
            payloads: raw bytes.
            within_s: longest wait for a sign of life; a process that gives none is ended.
            on_told: given how far it is, in [0, 1]; returning False ends the process.

        Raises:
            DeviceLostError: the process is gone, gives no sign of life, or was ended by `on_told`.
            EngineError: the worker's own.
        """
        with self._lock:
            if self._end:
                raise DeviceLostError(self._end)
            try:
                self._stream.settimeout(within_s)
                send(self._stream, Frame(name, body, payloads))
                while True:
                    answer = receive(self._stream)
                    if answer is None:
                        raise self._ended()
                    if answer.name != "told":
                        break
                    if on_told is not None and not on_told(float(answer.body)):
                        raise self._stop("It was stopped.")
            except TimeoutError as error:
                reason = f"The driver of {self._what} has given no sign of life for {within_s:.0f} s."
                raise self._stop(reason) from error
            except (OSError, FrameError) as error:
                raise self._ended() from error
        if answer.name == "error":
            raise _error_of(answer.body)
        return answer.body, answer.payloads

    @property
    def is_alive(self) -> bool:
        """Whether it takes calls, as far as is known."""
        return not self._end and self._process.poll() is None

    def close(self) -> None:
        """End it; safe to call twice, and while a call is in flight, which then fails."""
        if not self._end:
            self._end = f"The process for {self._what} was closed."
        with contextlib.suppress(OSError):
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)  # one that a driver holds in the kernel goes when the driver lets it
        self._log.join(_END_S)
        with self._lock:
            self._stream.close()

    def _stop(self, reason: str) -> DeviceLostError:
        self._end = reason
        with contextlib.suppress(OSError):
            self._process.kill()
        return DeviceLostError(reason)

    def _ended(self) -> DeviceLostError:
        """Say how it ended; its last words are in the log."""
        if not self._end:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
            self._end = f"The process that used {self._what} {_manner(self._process.poll())}."
            if self._lines:
                log.warning("%s Its last words: %s", self._end, " | ".join(list(self._lines)[-5:]))
        return DeviceLostError(self._end)

    def _keep_log(self, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                text = line.decode("utf-8", "replace").rstrip()
                self._lines.append(text[:300])
                log.debug("%s: %s", self._what, text)


def _manner(code: int | None) -> str:
    if code is None:
        return "does not answer any more"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"crashed ({signal.Signals(-code).name})"
    return f"ended by itself (code {code})"


def _error_of(body: Any) -> EngineError:
    kind, cause, remedy = (str(part) for part in body)
    found = getattr(errors, kind, EngineError)
    if not issubclass(found, EngineError):
        return EngineError(cause, remedy)
    try:
        return found(cause, remedy)
    except TypeError:  # an error with another constructor
        return EngineError(cause, remedy)
