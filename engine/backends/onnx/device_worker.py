"""What runs in a device process for ONNX Runtime: one graph, and the list of devices."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.backends.base import DeviceTarget
from engine.backends.onnx.arrays import pack_arrays, unpack_feeds
from engine.backends.onnx.devices import reached
from engine.backends.onnx.session import Session
from engine.backends.process.child import Answer, Method, Tell
from engine.backends.process.frames import Payload
from engine.backends.process.ticks import ticks
from engine.errors import EngineError


class DeviceWorker:
    """Opens a graph and runs it, for `RemoteSession`.

    Thread: the main thread of its process.
    """

    def __init__(self) -> None:
        logging.basicConfig(level=logging.INFO, format="%(message)s")  # to Hearth, which keeps it with its own
        self._session: Session | None = None

    def methods(self) -> dict[str, Method]:
        """The calls that it takes, by name."""
        return {
            "start": lambda body, payloads, tell: (None, ()),
            "reached": self._reached,
            "open": self._open,
            "run": self._run,
            "threads": self._set_threads,
        }

    def _reached(self, body: Any, payloads: Sequence[Payload], tell: Tell) -> Answer:
        return [msgspec.to_builtins(entry) for entry in reached(body)], ()

    def _open(self, body: Any, payloads: Sequence[Payload], tell: Tell) -> Answer:
        target = msgspec.convert(body["target"], DeviceTarget)
        cache = Path(body["cache"]) if body["cache"] else None
        with ticks(tell):
            session = self._session = Session(Path(body["path"]), int(body["threads"]), target, cache)
        assignment = session.assignment
        return {
            "inputs": [[item.name, list(item.shape), item.dtype] for item in session.inputs],
            "outputs": [[item.name, list(item.shape), item.dtype] for item in session.outputs],
            "provider": assignment.provider,
            "title": assignment.title,
            "kind": assignment.kind.value,
            "counts": dict(assignment.counts),
            "is_compiled": session.is_compiled,
            "memory_bytes": session.memory_bytes,
        }, ()

    def _run(self, body: Any, payloads: Sequence[Payload], tell: Tell) -> Answer:
        session = self._opened()
        outputs = session.run(unpack_feeds(body, payloads))
        heads, sent = pack_arrays(outputs)
        return {"outputs": heads, "memory_bytes": session.memory_bytes}, sent

    def _set_threads(self, body: Any, payloads: Sequence[Payload], tell: Tell) -> Answer:
        self._opened().set_threads(int(body))
        return None, ()

    def _opened(self) -> Session:
        if self._session is None:
            raise EngineError("No graph is open in this process.")
        return self._session
