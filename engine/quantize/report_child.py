"""Disposable processes that reports are measured in: a model that crashes takes nothing with it but its report."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import psutil

from engine.backends.process.frames import Payload
from engine.backends.process.process import DeviceProcess
from engine.errors import DeviceLostError, EngineError, OutOfMemoryError
from engine.jobs import JobControl, JobStopped

_SILENCE_S: Final = 60.0  # workers tick four times a second, but a machine that swaps may be slow
_SPARE_BYTES: Final = 256 << 20  # contexts, logits, the process itself


class MeasuringProcess:
    """A worker in a process of its own, which ends when its job has to end.

    Thread: the job's.
    """

    def __init__(self, worker: str, what: str, control: JobControl) -> None:
        """Start it.

        Args:
            worker: `module:class`, see `engine.backends.process.child.Worker`; its calls tick.
            what: completes sentences about it, such as `the smaller model`.
            control: of the job.

        Raises:
            DeviceLostError: the system starts no more processes.
        """
        control.check()
        self._process = DeviceProcess(worker, what)
        self._what = what
        self._control = control

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.close()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def ask(
        self,
        name: str,
        body: Any,
        payloads: Sequence[Payload] = (),
        tell: Callable[[float], None] = lambda _share: None,
    ) -> tuple[Any, Sequence[Payload]]:
        """Ask something and wait for the answer.

        Args:
            name: of the worker's method.
            body: what msgpack knows.
            payloads: raw bytes.
            tell: told how far it is, in [0, 1].

        Raises:
            JobStopped: the job has to end; the process has ended.
            EngineError: the worker's own, or it has crashed.
        """

        def on_told(share: float) -> bool:
            if not self._control.is_stopping:
                tell(share)
            return not self._control.is_stopping

        try:
            return self._process.call(name, body, payloads, within_s=_SILENCE_S, on_told=on_told)
        except DeviceLostError as error:
            if self._control.is_stopping:
                raise JobStopped from error
            raise EngineError(error.cause, "Try again; if that does not help, the file may be damaged.") from error


def check_memory(needed_bytes: int, what: str) -> None:
    """Refuse to measure what would push other programs out of memory.

    Raises:
        OutOfMemoryError: it needs more than is free.
    """
    free = int(psutil.virtual_memory().available)
    if needed_bytes + _SPARE_BYTES > free:
        raise OutOfMemoryError(
            f"Measuring {what} takes {(needed_bytes + _SPARE_BYTES) / 1e9:.1f} GB of memory, "
            f"but {free / 1e9:.1f} GB are free.",
            "Close other programs, or do it on a machine with more memory.",
        )


def fits(needed_bytes: int) -> bool:
    """Whether so much memory is free."""
    return needed_bytes + _SPARE_BYTES <= int(psutil.virtual_memory().available)
