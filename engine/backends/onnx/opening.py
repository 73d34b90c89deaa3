"""Opens a graph where it is wanted: in this process on the processor, in a process of its own on everything else."""

from collections.abc import Callable
from pathlib import Path

from engine.backends.base import DeviceTarget
from engine.backends.onnx.graph_session import GraphSession
from engine.backends.onnx.providers import CPU_INTERFACES
from engine.backends.onnx.remote_session import WORKER, RemoteSession


def open_session(
    path: Path,
    threads: int,
    target: DeviceTarget,
    cache: Path | None = None,
    *,
    worker: str = WORKER,
    goes_on: Callable[[], bool] = lambda: True,
) -> GraphSession:
    """Open a graph; arguments and errors are those of RemoteSession."""
    if is_plain(target):
        # Imported here: where every graph runs on a device, this process never needs ONNX Runtime.
        from engine.backends.onnx.session import Session

        return Session(path, threads, target)
    return RemoteSession(path, threads, target, cache, worker=worker, goes_on=goes_on)


def is_plain(target: DeviceTarget) -> bool:
    """Whether a target is the processor with ONNX Runtime's own code, which cannot lose a device."""
    return target.device == "cpu" and target.interface in CPU_INTERFACES
