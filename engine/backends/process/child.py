"""The other end of a device process: does what Hearth asks, one call after the other, and ends with Hearth.

A worker is an object whose public methods are the calls: each takes the body, the payloads and a function that tells
how far it is, and returns a body and payloads. An `EngineError` goes back as one; anything else is a fault of the code
and goes back as an `EngineError` too, with the traceback in the log.
"""

import logging
import os
import queue
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol

from engine.backends.process.frames import Frame, FrameError, Payload, receive, send
from engine.errors import EngineError
from engine.handover import take

log = logging.getLogger(__name__)

Tell = Callable[[float], None]
Answer = tuple[Any, Sequence[Payload]]
Method = Callable[[Any, Sequence[Payload], Tell], Answer]


class Worker(Protocol):
    """Does the work of a device process."""

    def methods(self) -> dict[str, Method]:
        """The calls that it takes, by name."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until Hearth closes the connection.

    Args:
        arguments: the descriptor of the connection, and `module:class` of the worker.
    """
    descriptor, place = sys.argv[-2:] if arguments is None else arguments
    os.dup2(2, 1)  # native libraries print where they like; standard error is what Hearth keeps
    stream = take(descriptor)
    requests: queue.SimpleQueue[Frame] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(stream, requests), name="hearth-device-read", daemon=True).start()
    module, _, name = place.partition(":")
    worker: Worker = getattr(import_module(module), name)()
    methods = worker.methods()
    while True:
        send(stream, _answer(methods, requests.get(), lambda fraction: send(stream, Frame("told", fraction))))


def _read(stream: socket.socket, requests: "queue.SimpleQueue[Frame]") -> None:
    """Pass requests on; when Hearth is gone the process ends at once, whatever a driver is doing meanwhile."""
    try:
        while (frame := receive(stream)) is not None:
            requests.put(frame)
    except (OSError, FrameError):
        pass
    os._exit(0)


def _answer(methods: dict[str, Method], request: Frame, tell: Tell) -> Frame:
    try:
        body, payloads = methods[request.name](request.body, request.payloads, tell)
    except EngineError as error:
        return Frame("error", [type(error).__name__, error.cause, error.remedy])
    except Exception as error:  # the process's top level: Hearth must hear of it
        log.exception("%s failed", request.name)
        return Frame("error", ["EngineError", f"{type(error).__name__}: {error}", ""])
    return Frame("result", body, payloads)


if __name__ == "__main__":
    main()
