"""ControlServer: lets commands in other processes see and change what an engine does."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import TimeoutError as WaitTimeoutError
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import msgspec

from engine.control import run_files
from engine.control.calls import Call, Controlled, Reply, decoded, encoded, failed
from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.control.channel import Connection, Listening

log = logging.getLogger(__name__)

T = TypeVar("T")

TIMEOUT_S: Final = 5.0
"""Longest that a client may take to say who it is, to ask, and to take the answer; each."""
LOOP_TIMEOUT_S: Final = 30.0
"""Longest that the engine may take over what needs its event loop: letting a large model go takes a moment."""
MOST_CLIENTS: Final = 16
"""Served at once; more are turned away."""
_LARGEST_CALL_BYTES: Final = 1 << 16
_CLOSING_S: Final = 2.0


class ControlServer:
    """Listens for commands of the same user, and answers each on a thread of its own.

    Whoever connects has to know a key that only the user's own processes can read. It never fails: an engine that
    cannot be reached by commands works all the same.

    Thread: any.
    """

    def __init__(
        self,
        engine: Controlled,
        home: Path,
        loop: asyncio.AbstractEventLoop,
        title: str,
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Make a server that does not listen yet.

        Args:
            engine: what is controlled; while it is closed, commands get `EngineClosedError`.
            home: the data folder, where commands look.
            loop: the engine's.
            title: what this Hearth is, such as `window`.
            timeout_s: longest that a client may take over each of its parts.
        """
        self._engine = engine
        self._home = home
        self._loop = loop
        self._title = title
        self._timeout_s = timeout_s
        self._clients = threading.BoundedSemaphore(MOST_CLIENTS)
        self._closing = threading.Event()
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._address = ""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Begin to listen, in a moment: sockets and files are made on a thread. Does nothing the second time."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._listen, name="hearth-control", daemon=True)
            self._thread.start()

    def wait_until_ready(self, timeout_s: float = TIMEOUT_S) -> bool:
        """Wait until commands find it; return whether they do."""
        return self._ready.wait(timeout_s) and bool(self._address)

    def close(self) -> None:
        """Listen no longer and remove the file; who is being answered may still get its answer. Safe to call twice."""
        if self._thread is None or self._closing.is_set():
            return
        self._closing.set()
        self._ready.wait(_CLOSING_S)
        if self._address:
            from engine.control.channel import connect

            try:
                connect(self._address, _CLOSING_S).close()  # wakes the thread that waits for somebody
            except OSError as error:
                log.warning("%s cannot be reached any more: %s", self._address, error)
                return  # nor can it be woken; it ends with the process
        self._thread.join(_CLOSING_S)

    def _listen(self) -> None:
        from engine.control.channel import Listening  # 10 ms, which nobody waits for here

        try:
            listening = Listening()
        except OSError as error:
            log.warning("Commands cannot reach this Hearth: %s", error)
            self._ready.set()
            return
        key = os.urandom(32)
        content = run_files.RunFile(
            process=os.getpid(), title=self._title, started_at=time.time(), address=listening.address, key=key.hex()
        )
        path: Path | None = None
        try:
            path = run_files.write(self._home, content)
            self._address = listening.address
            self._ready.set()
            run_files.read_all(self._home)  # removes what killed ones have left
            self._accept(listening, key)
        except OSError as error:
            log.warning("Commands cannot reach this Hearth: %s", error)
        finally:
            listening.close()
            if path is not None:
                run_files.remove(path, content)
            self._ready.set()

    def _accept(self, listening: "Listening", key: bytes) -> None:
        while not self._closing.is_set():
            try:
                connection = listening.accept()
            except OSError as error:
                log.info("a client left at once: %s", error)
                self._closing.wait(0.05)  # or we have too many files open
                continue
            if self._closing.is_set() or not self._clients.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(
                target=self._serve, args=(connection, key), name="hearth-control-client", daemon=True
            ).start()

    def _serve(self, connection: "Connection", key: bytes) -> None:
        from engine.control.channel import limit, welcome

        try:
            with connection:
                limit(connection, self._timeout_s)
                welcome(connection, key)
                if connection.poll(self._timeout_s):
                    reply = self._reply(connection.recv_bytes(_LARGEST_CALL_BYTES))
                    connection.send_bytes(encoded(reply))
        except (OSError, EOFError) as error:
            log.info("a client was not served: %s", error)
        finally:
            self._clients.release()

    def _reply(self, data: bytes) -> Reply:
        try:
            call = decoded(data, Call)
            return Reply(value=msgspec.Raw(encoded(call.answer(self._engine, self._on_loop))))
        except EngineError as error:
            return failed(error)
        except msgspec.DecodeError as error:
            log.warning("a client asked for something unknown: %s", error)
            return failed(EngineError("That Hearth is of another version, and does not know this.", "Use its window."))
        except Exception as error:
            log.exception("a client could not be answered")
            return failed(EngineError(f"That Hearth failed: {type(error).__name__}: {error}.", "See its log."))

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError as error:
            work.close()
            raise EngineError("That Hearth is closing.") from error
        try:
            return future.result(LOOP_TIMEOUT_S)
        except WaitTimeoutError as error:
            future.cancel()
            raise EngineError("That Hearth is too busy to do this now.", "Try again.") from error
