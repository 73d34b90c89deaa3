"""One window per data folder: the first start holds a lock and listens; a later one hands over what it was given.

Nothing of Qt, the engine or models is imported here: a second start has to end within a fraction of a second.
"""

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import filelock
import msgspec

from engine.control import run_files
from engine.control.channel import Listening, connect, introduce, limit, welcome
from engine.control.run_files import RunFile
from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.control.channel import Connection

log = logging.getLogger(__name__)

ANSWER_S: Final = 3.0
"""Longest that a second start waits for the window, before it says that it does not answer."""
CLOSING_S: Final = 20.0
"""The same, while that window ends what is in flight."""
STARTING_S: Final = 30.0
"""So long a window may take to be built; what arrives meanwhile is kept for it."""
_AGAIN_S: Final = 0.03
_LARGEST_BYTES: Final = 16 << 20
_TOKENS: Final = ("XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID")


class WindowBusyError(EngineError):
    """The window of this data folder is open, but does not answer."""


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """What a start passes on.

    Attributes:
        names: of files, absolute, in the system's own encoding.
        token: with which the desktop lets the window come to the front; empty where there is none.
    """

    names: tuple[bytes, ...] = ()
    token: str = ""

    @classmethod
    def of(cls, files: tuple[Path, ...]) -> Self:
        """What this process was started with."""
        token = next((os.environ[name] for name in _TOKENS if os.environ.get(name)), "")
        return cls(names=tuple(map(os.fsencode, files)), token=token)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files."""
        return tuple(Path(os.fsdecode(name)) for name in self.names)


class Answer(Enum):
    """What a window says to a handover."""

    TAKEN = "taken"
    CLOSING = "closing"
    NONE = ""  # nobody was reached, or nobody answered in time


def enter(home: Path, handover: Handover, answer_s: float = ANSWER_S) -> "OnlyWindow | None":
    """Become the window of a data folder, or hand over to the one that is.

    Args:
        home: the data folder.
        handover: what to pass on.
        answer_s: longest that the window may take to answer.

    Returns:
        The place of the only window, to be closed at the end; None if another window has taken what there was.

    Raises:
        WindowBusyError: there is another window, but it does not answer.
        OSError: the data folder cannot be written.
    """
    place = OnlyWindow(home)
    until_s = time.monotonic() + answer_s
    is_closing = False
    while not place.take():
        answer = _ask(place.file, handover, max(until_s - time.monotonic(), _AGAIN_S))
        if answer is Answer.TAKEN:
            return None
        if answer is Answer.CLOSING and not is_closing:
            is_closing, until_s = True, time.monotonic() + CLOSING_S
        if time.monotonic() > until_s:
            raise WindowBusyError(
                "Hearth runs already, but does not answer.", "Wait until its window does, or end it and start again."
            )
        time.sleep(_AGAIN_S)
    return place


def _ask(file: Path, handover: Handover, timeout_s: float) -> Answer:
    """Pass something on; on a thread, since Windows' pipes know no time limit for a handshake."""
    found: Future[Answer] = Future()

    def exchange() -> None:
        try:
            found.set_result(_exchange(file, handover, timeout_s))
        except (OSError, EOFError, ValueError, msgspec.MsgspecError):  # it is not there yet, or just leaves
            found.set_result(Answer.NONE)

    threading.Thread(target=exchange, name="hearth-handover", daemon=True).start()
    try:
        return found.result(timeout_s)
    except TimeoutError:
        return Answer.NONE


def _exchange(file: Path, handover: Handover, timeout_s: float) -> Answer:
    content = msgspec.json.decode(file.read_bytes(), type=RunFile)
    let_come_forward(content.process)
    with connect(content.address, timeout_s) as connection:
        introduce(connection, bytes.fromhex(content.key))
        connection.send_bytes(msgspec.msgpack.encode(handover))
        return Answer(connection.recv_bytes(_LARGEST_BYTES).decode())


def let_come_forward(process: int) -> None:
    """Allow another process to take the foreground, which Windows gives only to who was asked by the person."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.user32.AllowSetForegroundWindow(process)


class OnlyWindow:
    """The place of the only window of a data folder.

    The lock is the system's, so that it ends with the process, however that ends.

    Attributes:
        file: says where to reach the window; for its owner only.

    Thread: any; what arrives is passed on in the loop that `attach` was given.
    """

    def __init__(self, home: Path) -> None:
        """Take nothing yet."""
        self._folder = home / "run"
        self.file = self._folder / "window"
        self._lock = filelock.FileLock(self._folder / "window.lock", thread_local=False)
        self._listening: Listening | None = None
        self._thread: threading.Thread | None = None
        self._is_closed = threading.Event()
        self._key = os.urandom(32)
        self._since_s = time.monotonic()
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None  # guarded by _guard
        self._receive: Callable[[Handover], None] | None = None  # guarded by _guard
        self._early: list[Handover] = []  # guarded by _guard
        self._is_leaving = False  # guarded by _guard

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def take(self) -> bool:
        """Take the place if it is free, and begin to listen; return whether it is ours.

        Raises:
            OSError: the data folder cannot be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._lock.acquire(blocking=False)
        except filelock.Timeout:
            return False
        try:
            self._sweep()
            self._listening = Listening()
            self._announce(self._listening.address)
        except OSError as error:  # a window that cannot be reached works all the same
            log.warning("A second start cannot reach this window: %s", error)
            return True
        self._thread = threading.Thread(
            target=self._accept, args=(self._listening,), name="hearth-second-start", daemon=True
        )
        self._thread.start()
        return True

    def attach(self, loop: asyncio.AbstractEventLoop, receive: Callable[[Handover], None]) -> None:
        """Pass on what arrives from now on, and what has arrived.

        Args:
            loop: where to call.
            receive: takes it; the second start is told that it was taken when this returns.
        """
        with self._guard:
            self._loop, self._receive = loop, receive
            early, self._early = self._early, []
        for handover in early:
            receive(handover)

    def leave(self) -> None:
        """Take nothing more: the window closes. A second start waits until it has, and becomes the window."""
        with self._guard:
            self._is_leaving = True

    def close(self) -> None:
        """Give up the place. Safe to call twice."""
        self.leave()
        self._is_closed.set()
        listening, self._listening = self._listening, None
        if listening is not None:
            self.file.unlink(missing_ok=True)
            with suppress(OSError):
                connect(listening.address, ANSWER_S).close()  # wakes the thread that waits for somebody
                if self._thread is not None:
                    self._thread.join(ANSWER_S)
            listening.close()
        self._lock.release()

    def _sweep(self) -> None:
        """Remove what a window that was killed has left."""
        try:
            run_files.remove(self.file, msgspec.json.decode(self.file.read_bytes(), type=RunFile))
        except (OSError, msgspec.MsgspecError):
            self.file.unlink(missing_ok=True)

    def _announce(self, address: str) -> None:
        content = RunFile(
            process=os.getpid(), title="window", started_at=time.time(), address=address, key=self._key.hex()
        )
        new = self.file.with_suffix(".new")
        new.unlink(missing_ok=True)
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(content))
        new.replace(self.file)

    def _accept(self, listening: Listening) -> None:
        while not self._is_closed.is_set():
            try:
                connection = listening.accept()
            except OSError as error:
                log.info("A second start left at once: %s", error)
                time.sleep(_AGAIN_S)
                continue
            if self._is_closed.is_set():
                connection.close()
                return
            threading.Thread(target=self._serve, args=(connection,), name="hearth-handover", daemon=True).start()

    def _serve(self, connection: "Connection") -> None:
        try:
            with connection:
                limit(connection, ANSWER_S)
                welcome(connection, self._key)
                data = connection.recv_bytes(_LARGEST_BYTES)
                answer = self._pass_on(msgspec.msgpack.decode(data, type=Handover))
                connection.send_bytes(answer.value.encode())
        except (OSError, EOFError, msgspec.MsgspecError) as error:
            log.info("A second start was not served: %s", error)

    def _pass_on(self, handover: Handover) -> Answer:
        with self._guard:
            if self._is_leaving:
                return Answer.CLOSING
            loop, receive = self._loop, self._receive
            if loop is None or receive is None:
                if time.monotonic() - self._since_s > STARTING_S:
                    return Answer.NONE
                self._early.append(handover)
                return Answer.TAKEN
        taken: Future[Answer] = Future()

        def take() -> None:
            if not taken.set_running_or_notify_cancel():
                return  # the second start has said meanwhile that nobody answers
            with self._guard:
                is_leaving = self._is_leaving
            if not is_leaving:
                receive(handover)
            taken.set_result(Answer.CLOSING if is_leaving else Answer.TAKEN)

        try:
            loop.call_soon_threadsafe(take)
            return taken.result(ANSWER_S)
        except RuntimeError:  # the loop has just been closed
            return Answer.CLOSING
        except TimeoutError:
            taken.cancel()
            return Answer.NONE
