"""FileReader: reads chosen files on a thread of its own, so that the window never waits for a disk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from app.tasks import Tasks
from engine import InputFile

T = TypeVar("T")

MOST_BYTES = 64 << 20
"""Largest file that is handed to a task."""


class FileReader:
    """Reads files into `InputFile`s.

    Thread: the event loop's; the reading runs on a thread named `read-file`.
    """

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="read-file")

    def read(self, path: Path, done: Callable[[InputFile | str], None]) -> None:
        """Read a file, then call `done` with it, or with one or two sentences that say why not."""
        self._tasks.start(self._read(path, done), name="read a file")

    async def call(self, function: Callable[..., T], *arguments: object) -> T:
        """Run something else that may block, such as writing a file."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    def close(self) -> None:
        """Drop what has not started, and wait for what has."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _read(self, path: Path, done: Callable[[InputFile | str], None]) -> None:
        done(await self.call(read_file, path))


def read_file(path: Path) -> InputFile | str:
    """Read a file whole; where that cannot be, say why in one or two sentences."""
    try:
        if not path.is_file():
            return f"{path.name} is not a file. Choose another one."
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        return f"{path.name} could not be read: {error.strerror or error}. Choose another file."
    if len(data) > MOST_BYTES:
        return f"{path.name} is larger than {MOST_BYTES >> 20}\u00a0MiB. Choose a smaller file."
    return InputFile(path.name, data)
