"""Connection: Hearth's end of the line to a plugin's process."""

import logging
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from engine.errors import EngineError, RequestError
from engine.plugins.process.clock import CallClock
from engine.plugins.process.failures import Failure, error_of, failure_of, read_failure
from engine.plugins.process.flood_gate import FloodGate
from engine.plugins.process.limits import ProcessLimits
from engine.plugins.process.wire import (
    FROM_HEARTH,
    FROM_PLUGIN,
    Channel,
    FrameKind,
    Received,
    WireError,
)

log = logging.getLogger(__name__)

ENDED: Final = "has ended by itself"
_MOST_WAITING: Final = 20_000


class FaultError(Exception):
    """The plugin's process has done something wrong.

    Attributes:
        what: completes "The plugin X ...".
        details: for copying.
        is_fatal: whether its process is to be ended for it, if it was not one failure too many anyway.
    """

    def __init__(self, what: str, details: str = "", *, is_fatal: bool = True) -> None:
        super().__init__(what)
        self.what = what
        self.details = details
        self.is_fatal = is_fatal


class Call:
    """A call in flight.

    Attributes:
        id: unique on its connection.
        name: of what is asked.
        clock: how long it has taken, and when it is overdue.
        events: what came for it; the last one is a RESULT or ERROR, or the reason why there will be none.
    """

    def __init__(self, call_id: int, name: str, clock: CallClock) -> None:
        self.id = call_id
        self.name = name
        self.clock = clock
        self.events: queue.SimpleQueue[Received | FaultError] = queue.SimpleQueue()


class Connection:
    """Sends calls, and gives each one what comes for it.

    Thread: any. A thread of its own, `hearth-plugin-read`, reads.
    """

    def __init__(self, stream: socket.socket, limits: ProcessLimits, on_fault: Callable[[FaultError], None]) -> None:
        self._channel = Channel(stream, receives=FROM_PLUGIN, sends=FROM_HEARTH)
        self._gate = FloodGate(limits.messages_per_s, limits.bytes_per_s, limits.flood_s)
        self._on_fault = on_fault
        self._lock = threading.Lock()
        self._calls: dict[int, Call] = {}  # guarded by _lock
        self._begun = 0  # guarded by _lock; also the newest id
        self._end: FaultError | None = None  # guarded by _lock; why there are no more calls
        self._most_calls = limits.calls
        threading.Thread(target=self._read, name="hearth-plugin-read", daemon=True).start()

    def begin(self, name: str, body: object, clock: CallClock) -> Call:
        """Send a call.

        Raises:
            FaultError: the process is gone.
            RequestError: it has too many calls to answer.
            WireError: the body cannot be sent.
        """
        with self._lock:
            if self._end is not None:
                raise self._end
            if len(self._calls) >= self._most_calls:
                raise RequestError(f"The plugin has {self._most_calls} calls to answer already.", "Try again later.")
            self._begun += 1
            call = Call(self._begun, name, clock)
            self._calls[call.id] = call
        try:
            self._channel.send(FrameKind.CALL, call.id, name, body)
        except WireError:
            self.finish(call)
            raise
        except OSError:  # the reader notices as well, and knows more
            log.debug("A plugin's process was gone when it was asked for %s.", name)
        return call

    def finish(self, call: Call) -> None:
        """Forget a call; what still comes for it is dropped."""
        with self._lock:
            self._calls.pop(call.id, None)

    def tell(self, call: Call, name: str) -> None:
        """Say something about a call; nothing happens if the process is gone."""
        self._send(FrameKind.TELL, call.id, name, None)

    def answer(self, ask_id: int, result: object) -> None:
        """Answer what the plugin has asked; an error if `result` is one."""
        if isinstance(result, BaseException):
            self._send(FrameKind.ERROR, ask_id, "", failure_of(result))
        else:
            self._send(FrameKind.RESULT, ask_id, "", result)

    def text(self, ask_id: int, index: int, text: str) -> None:
        """Give the plugin more text of an answer it waits for."""
        self._send(FrameKind.TELL, ask_id, "text", [index, text])

    def overdue(self) -> Call | None:
        """A call that has taken too long."""
        with self._lock:
            calls = list(self._calls.values())
        return next((call for call in calls if call.clock.is_overdue()), None)

    def is_deaf(self, limit_s: float) -> bool:
        """Whether the plugin has not taken what it is being sent for so long."""
        return self._channel.waited_s() > limit_s

    def is_idle(self) -> bool:
        """Whether nothing is asked of the plugin."""
        with self._lock:
            return not self._calls

    def calls_begun(self) -> int:
        """Number of calls so far."""
        with self._lock:
            return self._begun

    def close(self, fault: FaultError) -> None:
        """End the connection; every call in flight ends with `fault`, unless there is an earlier one."""
        with self._lock:
            self._end = self._end or fault
            calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            call.events.put(self._end)
        self._channel.close()

    def _send(self, kind: FrameKind, call_id: int, name: str, body: object) -> None:
        try:
            self._channel.send(kind, call_id, name, body)
        except OSError:
            return
        except WireError as error:
            if kind is FrameKind.RESULT:
                refusal = Failure(EngineError.__name__, f"The answer was {error}.")
                self._send(FrameKind.ERROR, call_id, "", refusal)

    def _read(self) -> None:
        try:
            while (received := self._channel.receive()) is not None:
                self._deliver(received)
            self._on_fault(FaultError(ENDED))
        except WireError as error:
            self._on_fault(FaultError(f"sent {error}"))
        except FaultError as fault:
            self._on_fault(fault)
        finally:
            self._channel.stop_receiving()

    def _deliver(self, received: Received) -> None:
        frame = received.frame
        if received.is_answer:
            with self._lock:
                call = self._calls.pop(frame.id, None)
            if call is None:
                raise FaultError("answered what nobody had asked")
            call.events.put(received)
            return
        self._hold_back(received)
        call_id = _call_of(received)
        with self._lock:
            call = self._calls.get(call_id)
        if call is not None:  # else the call is over, which a thread of the plugin may not know yet
            if call.events.qsize() > _MOST_WAITING:
                raise FaultError("sends more than Hearth can take")
            call.events.put(received)

    def _hold_back(self, received: Received) -> None:
        wait_s = self._gate.take(received.size_bytes)
        if self._gate.is_flooded():
            raise FaultError("floods Hearth with messages")
        if wait_s:
            time.sleep(wait_s)


def outcome_of(received: Received, plugin: str) -> Any:
    """The plain result of a call.

    Raises:
        EngineError: the plugin's, raised on purpose.
        FaultError: the plugin's code failed, or what it sent is nonsense.
    """
    try:
        plain = received.open()
        if received.frame.kind is FrameKind.RESULT:
            return plain
        failure = read_failure(plain)
    except (WireError, msgspec.ValidationError) as error:
        raise FaultError(f"sent something wrong: {error}") from error
    if failure.kind:
        raise error_of(failure, plugin)
    raise FaultError(f"failed inside: {failure.cause.rstrip('.')}", failure.details, is_fatal=False)


def _call_of(received: Received) -> int:
    """The call that a question of the plugin belongs to: the first item of its body."""
    if received.frame.kind is FrameKind.TELL:
        return received.frame.id
    return received.open_pair()[0]
