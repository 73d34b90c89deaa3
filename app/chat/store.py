"""ChatStore: the chat database behind one thread of its own, so that a slow disk never holds up the window."""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from app.chat.database import ChatDatabase, DamagedDatabaseError

P = ParamSpec("P")
T = TypeVar("T")


log = logging.getLogger(__name__)


class StoreError(Exception):
    """Chats cannot be read or written.

    Attributes:
        cause: one sentence.
        remedy: one sentence.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy


class ChatStore:
    """Runs methods of `ChatDatabase` one after the other on the thread `hearth-chats`.

    Attributes:
        notice: what the person has to be told about opening the file (cause, remedy); None when all was well.

    Thread: the event loop's.
    """

    def __init__(self, path: Path) -> None:
        self.notice: tuple[str, str] | None = None
        self._path = path
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hearth-chats")
        self._is_closed = False
        self._database: ChatDatabase | None = None  # used on the executor's thread only

    async def open(self) -> None:
        """Open the file; a damaged one is set aside, and where none can be written chats live in memory."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._open)

    async def run(self, method: Callable[Concatenate[ChatDatabase, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call one method of the database; calls run in the order they were made, also when the caller is cancelled.

        Raises:
            StoreError: the disk is full, or the file has become unreadable.
            CancelledError: the store was closed; whoever asks now is about to end too.
        """
        if self._is_closed:
            raise asyncio.CancelledError
        call = asyncio.wrap_future(self._executor.submit(lambda: self._call(method, *args, **kwargs)))
        try:
            return await asyncio.shield(call)  # without it a cancel would drop a write that waits for its turn
        except sqlite3.Error as error:
            raise StoreError(
                f"The chats cannot be saved: {error}.", "Free some disk space; this chat goes on."
            ) from error

    def post(self, method: Callable[Concatenate[ChatDatabase, P], object], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call one method of the database without waiting for it; a failure is logged. Does nothing once closed."""
        if self._is_closed:
            return
        self._executor.submit(lambda: self._call(method, *args, **kwargs)).add_done_callback(_log_failure)

    async def close(self) -> None:
        """Finish what waits, close the file and end the thread. Safe to call twice."""
        if self._is_closed:
            return
        self._is_closed = True
        await asyncio.get_running_loop().run_in_executor(self._executor, self._close)
        self._executor.shutdown(wait=True)

    def _call(self, method: Callable[Concatenate[ChatDatabase, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._database is None:
            raise sqlite3.ProgrammingError("the chat file is not open")
        return method(self._database, *args, **kwargs)

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._database = ChatDatabase(self._path)
            except DamagedDatabaseError as error:
                aside = self._set_aside()
                self.notice = (f"The chat file was damaged ({error}).", f"A new one was begun; the old one is {aside}.")
                self._database = ChatDatabase(self._path)
        except (sqlite3.Error, OSError, DamagedDatabaseError) as error:
            self.notice = (
                f"The chat file {self._path} cannot be used: {error}.",
                "Chats of this session are not kept.",
            )
            self._database = ChatDatabase(":memory:")

    def _set_aside(self) -> Path:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        aside = self._path.with_name(f"{self._path.name}.corrupt-{stamp}")
        number = 1
        while aside.exists():
            number += 1
            aside = self._path.with_name(f"{self._path.name}.corrupt-{stamp}-{number}")
        # The write-ahead log goes along: it may hold the newest messages, and must not meet the new file.
        for suffix in ("-wal", "-shm"):
            log = self._path.with_name(self._path.name + suffix)
            if log.exists():
                log.replace(aside.with_name(aside.name + suffix))
        return self._path.replace(aside)


def _log_failure(call: Future[object]) -> None:
    if error := call.exception():
        log.error("A chat was not saved: %s", error)
