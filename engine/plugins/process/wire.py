"""Frames between Hearth and the process of a plugin.

A frame is the length of its head (four bytes, little-endian), the head (msgpack), and its attachments. Arrays, files
and long texts travel as attachments, beside the head: they are copied by the operating system without Python's lock,
so that a large one never delays the window. Nothing is ever unpickled.

Whoever reads what a plugin has sent uses a small limit for heads: making objects of a head holds Python's lock.
"""

import io
import math
import socket
import struct
import threading
import time
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.plugins.process.lists import has_more_lists

DETACHED_CHARS: Final = 2048
"""Texts from this length on are attached where a format allows it."""

_MOST_ATTACHMENTS: Final = 4096
_MOST_AXES: Final = 8
_LENGTH: Final = struct.Struct("<I")
_ARRAY, _BYTES, _TEXT = 1, 2, 3
_DTYPES: Final = frozenset(
    {"|b1", "|u1", "|i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8"}
)  # plain numbers, as this machine keeps them


class WireError(Exception):
    """What was received is no frame, or what is to be sent cannot be one; the text completes "it sent ..."."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLimits:
    """What a frame may be, in bytes.

    Attributes:
        frame: most of it, attachments included.
        head: most of its head.
        text: longest attached text.
        data: most attached bytes in one piece.
        lists: most lists and objects in its head.
    """

    frame: int
    head: int
    text: int
    data: int
    lists: int


FROM_PLUGIN: Final = FrameLimits(frame=64 << 20, head=256 << 10, text=8 << 20, data=32 << 20, lists=20_000)
"""What is read while Python's lock is held takes 50 ms at worst, on a busy machine."""
FROM_HEARTH: Final = FrameLimits(frame=1 << 30, head=64 << 20, text=1 << 30, data=1 << 30, lists=1 << 30)
"""A picture of 200 megapixels, say."""


class FrameKind(IntEnum):
    """What a frame is for."""

    CALL = 0  # do something and answer
    RESULT = 1  # the answer to the call with the same id
    ERROR = 2  # the same, if it failed
    TELL = 3  # take notice


class Frame(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """One frame.

    Attributes:
        kind: what it is for.
        id: of the call; ids of the two directions are independent.
        name: what is to be done; empty in answers.
        body: msgpack; `Channel.open` makes values of it.
        sizes: of the attachments, in bytes.
    """

    kind: FrameKind
    id: int
    name: str
    body: msgspec.Raw
    sizes: list[int] = []


class Attached:
    """A text or bytes that travel beside the head."""

    __slots__ = ("content",)

    def __init__(self, content: str | bytes) -> None:
        self.content = content


class Received(msgspec.Struct, frozen=True):
    """A frame with its attachments.

    Attributes:
        frame: the head.
        attachments: in the order of `frame.sizes`.
        size_bytes: of the frame as a whole.
        limits: that it has been read with.
    """

    frame: Frame
    attachments: list[NDArray[np.uint8]]
    size_bytes: int
    limits: FrameLimits

    @property
    def is_answer(self) -> bool:
        """Whether a call ends with it."""
        return self.frame.kind in {FrameKind.RESULT, FrameKind.ERROR}

    def open(self) -> Any:
        """Make plain values of the body: None, bool, int, float, str, list, dict, bytes, and arrays.

        Raises:
            WireError: it is nonsense.
        """
        try:
            return msgspec.msgpack.decode(self.frame.body, ext_hook=self._attachment)
        except WireError:
            raise
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError, UnicodeDecodeError) as error:
            raise WireError(f"a message that cannot be read ({error})") from error

    def open_pair(self) -> tuple[int, msgspec.Raw]:
        """The first of two items of the body, and the second as it came.

        Raises:
            WireError: it has others.
        """
        try:
            return msgspec.msgpack.decode(self.frame.body, type=tuple[int, msgspec.Raw])
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise WireError(f"a message that cannot be read ({error})") from error

    def _attachment(self, code: int, data: memoryview) -> Any:
        index, *shape = msgspec.msgpack.decode(data, type=list[Any])
        if not isinstance(index, int) or not 0 <= index < len(self.attachments):
            raise WireError("a message with an attachment that is not there")
        content = self.attachments[index]
        match code:
            case 1:
                return _array_of(content, *shape)
            case 2 if len(content) <= self.limits.data:
                return content.tobytes()
            case 3 if len(content) <= self.limits.text:
                return content.tobytes().decode("utf-8")
        raise WireError(f"a message with a value of the kind {code} and {len(content):,} bytes")


class Channel:
    """One end of the connection; blocking.

    Thread: `send` any; `receive` one at a time.

    Args:
        stream: a connected socket; it is closed by `close`.
        receives: limits of what is received.
        sends: limits of what is sent.
    """

    def __init__(self, stream: socket.socket, receives: FrameLimits, sends: FrameLimits) -> None:
        self._socket = stream
        self._reader = io.BufferedReader(stream.makefile("rb", buffering=0), 1 << 16)
        self._sending = threading.Lock()
        self._sending_since_s: float | None = None  # written under _sending
        self._receives = receives
        self._sends = sends

    def send(self, kind: FrameKind, call_id: int, name: str, body: object) -> None:
        """Send a frame, waiting while the other side is slower.

        Args:
            kind: what it is for.
            call_id: of the call it belongs to.
            name: of what is to be done.
            body: plain values, dataclasses, arrays, `Attached`.

        Raises:
            WireError: the body cannot be sent; nothing was.
            OSError: the other side is gone.
        """
        head, attachments = pack(kind, call_id, name, body, self._sends)
        if len(head) > self._sends.head or len(attachments) > _MOST_ATTACHMENTS:
            raise WireError(f"{len(head):,} bytes in {len(attachments)} parts, more than can be handed over at once")
        if has_more_lists(head, self._sends.lists):
            raise WireError(f"more than {self._sends.lists:,} lists, more than can be handed over at once")
        if (size := len(head) + sum(part.nbytes for part in attachments)) > self._sends.frame:
            raise WireError(f"{size:,} bytes, more than can be handed over at once")
        parts: list[bytes | memoryview] = [_LENGTH.pack(len(head)) + head, *attachments]
        with self._sending:
            try:
                for part in parts:
                    self._sending_since_s = time.monotonic()
                    self._socket.sendall(part)
            finally:
                self._sending_since_s = None

    def waited_s(self) -> float:
        """How long the other side has not taken what is being sent; 0 if nothing is. Any thread."""
        since_s = self._sending_since_s
        return 0.0 if since_s is None else time.monotonic() - since_s

    def receive(self) -> Received | None:
        """Wait for a frame; None once the other side is gone.

        Raises:
            WireError: what came is no frame, or too large a one. The connection is of no use after it.
        """
        try:
            return self._receive()
        except OSError:  # shut down meanwhile
            return None

    def stop_receiving(self) -> None:
        """Say that `receive` is not called any more; the socket is closed by this and `close` together."""
        self._reader.close()

    def close(self) -> None:
        """End the connection; whoever waits in `send` or `receive` returns."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
        finally:
            self._socket.close()

    def _receive(self) -> Received | None:
        prefix = self._reader.read(_LENGTH.size)
        if len(prefix) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack(prefix)
        if length > self._receives.head:
            raise WireError(f"a message of {length:,} bytes, of which {self._receives.head:,} are allowed")
        head = self._reader.read(length)
        if len(head) < length:
            return None
        if has_more_lists(head, self._receives.lists):
            raise WireError(f"a message of more than {self._receives.lists:,} lists")
        frame = _frame_of(head)
        size = length + sum(frame.sizes)
        if len(frame.sizes) > _MOST_ATTACHMENTS or min(frame.sizes, default=0) < 0 or size > self._receives.frame:
            raise WireError(f"a message with {len(frame.sizes)} attachments of {sum(frame.sizes):,} bytes")
        attachments = [np.empty(part, np.uint8) for part in frame.sizes]  # filled without Python's lock
        for part in attachments:
            if self._reader.readinto(part.data) < len(part):
                return None
        return Received(frame, attachments, size, self._receives)


def pack(
    kind: FrameKind, call_id: int, name: str, body: object, limits: FrameLimits = FROM_HEARTH
) -> tuple[bytes, list[memoryview]]:
    """Make a frame: its head, and its attachments.

    Raises:
        WireError: the body cannot be sent.
    """
    attachments: list[memoryview] = []

    def attach(value: Any) -> object:
        return _attach(value, attachments, limits)

    try:
        raw = msgspec.Raw(msgspec.msgpack.Encoder(enc_hook=attach).encode(body))
        frame = Frame(kind, call_id, name, raw, [part.nbytes for part in attachments])
        return msgspec.msgpack.encode(frame), attachments
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise WireError(f"a value that cannot be handed over ({error})") from error


def long_text(text: str) -> str | Attached:
    """A text as it travels best; for places that are read by `Received.open` alone."""
    return Attached(text) if isinstance(text, str) and len(text) >= DETACHED_CHARS else text


def _frame_of(head: bytes) -> Frame:
    try:
        return _FRAMES.decode(head)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise WireError(f"what is no message ({error})") from error


_FRAMES: Final = msgspec.msgpack.Decoder(Frame)


def _attach(value: Any, attachments: list[memoryview], limits: FrameLimits) -> object:
    """What msgpack makes of values that it does not know."""
    if isinstance(value, np.ndarray):
        return _attach_array(value, attachments)
    if isinstance(value, Attached):
        content = value.content
        raw, code = (content.encode(), _TEXT) if isinstance(content, str) else (bytes(content), _BYTES)
        if len(raw) > (limits.text if code == _TEXT else limits.data):
            raise ValueError(f"{len(raw):,} bytes in one piece")
        attachments.append(memoryview(raw))
        return msgspec.msgpack.Ext(code, msgspec.msgpack.encode([len(attachments) - 1]))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a {type(value).__name__}")


def _attach_array(array: NDArray[Any], attachments: list[memoryview]) -> msgspec.msgpack.Ext:
    if array.dtype.str not in _DTYPES or array.ndim > _MOST_AXES:
        raise TypeError(f"an array of {array.dtype} with {array.ndim} axes")
    attachments.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return msgspec.msgpack.Ext(_ARRAY, msgspec.msgpack.encode([len(attachments) - 1, array.dtype.str, *array.shape]))


def _array_of(content: NDArray[np.uint8], dtype: object = None, *shape: object) -> NDArray[Any]:
    sides = [side for side in shape if isinstance(side, int) and side >= 0]
    if dtype not in _DTYPES or len(sides) != len(shape) or len(sides) > _MOST_AXES:
        raise WireError("a message with an array of a wrong kind")
    numbers = np.dtype(str(dtype))
    if math.prod(sides) * numbers.itemsize != len(content):
        raise WireError("a message with an array that is not as large as it says")
    if not len(content):
        return np.empty(sides, numbers)
    # bytes other than 0 and 1 are no truth values, and nobody knows what they would do
    array: NDArray[Any] = content != 0 if numbers.kind == "b" else content.view(numbers)
    return array.reshape(sides)
