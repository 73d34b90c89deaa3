"""Keeps two downloads of one file apart."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import filelock

from engine.errors import HubError
from engine.jobs import JobControl

_TRIES: Final = 20
_PAUSE_S: Final = 0.25  # one that was cancelled is gone by then


@contextmanager
def alone(target: Path, control: JobControl | None = None) -> Iterator[None]:
    """Keep other jobs and processes away from a download.

    Args:
        target: where the file will be.
        control: of a job that may wait a moment; None does not wait.

    Raises:
        HubError: another one fetches it.
        JobStopped: the job has to end.
        OSError: the folder cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    path = target.with_name(f"{target.name}.part.lock")
    lock = filelock.FileLock(path, thread_local=False)
    for _ in range(_TRIES if control is not None else 1):
        with suppress(filelock.Timeout):
            lock.acquire(blocking=False)
            break
        if control is not None:
            control.sleep(_PAUSE_S)
    if not lock.is_locked:
        cause = f"{target.name} is being fetched already, by another job or another window of Hearth."
        raise HubError(cause, "Wait for that one, or cancel it.")
    try:
        yield
    finally:
        lock.release()
        with suppress(OSError):
            path.unlink(missing_ok=True)
