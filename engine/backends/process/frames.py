"""Frames between Hearth and a device process: a head in msgpack, and arrays as they are in memory.

Both ends are Hearth's own code, so a frame is checked for its form only; nothing is ever pickled.
"""

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

_SIZES: Final = struct.Struct("<II")  # of the head in bytes; number of payloads
_SIZE: Final = struct.Struct("<Q")  # of a payload in bytes
_MOST_HEAD_BYTES: Final = 16 << 20
_MOST_PAYLOADS: Final = 4096

Payload = bytes | bytearray | memoryview


class FrameError(Exception):
    """What came is no frame: the other end is not what it should be."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message.

    Attributes:
        name: of what is asked; `result`, `error` or `told` in an answer.
        body: what msgpack knows: numbers, texts, lists, dicts.
        payloads: raw bytes, such as arrays.
    """

    name: str
    body: Any = None
    payloads: Sequence[Payload] = field(default=())


def send(stream: socket.socket, frame: Frame) -> None:
    """Send a frame.

    Raises:
        OSError: the other end is gone, or does not take it within the stream's time limit.
    """
    head = msgspec.msgpack.encode([frame.name, frame.body])
    views = [memoryview(payload).cast("B") for payload in frame.payloads]
    sizes = b"".join(_SIZE.pack(len(view)) for view in views)
    stream.sendall(_SIZES.pack(len(head), len(views)) + sizes + head)
    for view in views:
        if len(view):
            stream.sendall(view)


def receive(stream: socket.socket) -> Frame | None:
    """Wait for a frame; None if the other end has closed.

    Raises:
        OSError: nothing came within the stream's time limit, or the connection broke.
        FrameError: it is none.
    """
    opening = _read(stream, _SIZES.size)
    if opening is None:
        return None
    head_bytes, count = _SIZES.unpack(opening)
    if head_bytes > _MOST_HEAD_BYTES or count > _MOST_PAYLOADS:
        raise FrameError("its sizes make no sense")
    sizes = _read(stream, _SIZE.size * count)
    head = _read(stream, head_bytes)
    if sizes is None or head is None:
        return None
    payloads = []
    for (size,) in _SIZE.iter_unpack(sizes):
        payload = _read(stream, size)
        if payload is None:
            return None
        payloads.append(payload)
    try:
        name, body = msgspec.msgpack.decode(head)
    except (msgspec.DecodeError, TypeError, ValueError) as error:
        raise FrameError("its head is not readable") from error
    return Frame(str(name), body, payloads)


def _read(stream: socket.socket, size: int) -> bytearray | None:
    buffer = bytearray(size)
    view = memoryview(buffer)
    at = 0
    while at < size:
        count = stream.recv_into(view[at:])
        if not count:
            return None
        at += count
    return buffer
