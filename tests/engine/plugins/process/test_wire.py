"""Frames: what is sent arrives, and nonsense is refused before anything is made of it."""

import socket
import struct
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plugins.process.wire import Attached, Channel, FrameKind, FrameLimits, WireError, long_text, pack
from engine.types import ToolCall, user

LIMITS = FrameLimits(frame=1 << 20, head=64 << 10, text=500_000, data=900_000, lists=1000)


@pytest.fixture
def ends():
    """Two ends of a connection, and the bare socket of the first."""
    ours, theirs = socket.socketpair()
    first, second = Channel(ours, LIMITS, LIMITS), Channel(theirs, LIMITS, LIMITS)
    yield first, second, ours
    for channel in (first, second):
        channel.close()
        channel.stop_receiving()


def exchange(ends, body):
    sender, receiver, _ = ends
    sending = threading.Thread(target=sender.send, args=(FrameKind.CALL, 7, "do", body))
    sending.start()
    received = receiver.receive()
    sending.join()
    return received


def test_plain_values_and_dataclasses_arrive(ends):
    received = exchange(ends, [1, "ü", None, {"a": 1.5}, ToolCall("add", {"b": [True]}), user("Hi"), Path("/a")])
    assert (received.frame.kind, received.frame.id, received.frame.name) == (FrameKind.CALL, 7, "do")
    number, text, nothing, table, call, message, path = received.open()
    assert (number, text, nothing, table, path) == (1, "ü", None, {"a": 1.5}, "/a")
    assert call == {"name": "add", "arguments": {"b": [True]}}
    assert message["role"] == "user"


@pytest.mark.parametrize("dtype", ["uint8", "bool", "float16", "float32", "float64", "int64", "uint32"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (2, 3, 4)])
def test_arrays_arrive(ends, dtype, shape):
    array = np.arange(np.prod(shape), dtype=np.float64).reshape(shape).astype(dtype)
    [arrived] = exchange(ends, [array.T]).open()
    assert (arrived.dtype, arrived.shape) == (array.dtype, array.T.shape)
    np.testing.assert_array_equal(arrived, array.T)


def test_what_is_large_travels_beside_the_head(ends):
    text, data = "é" * 100_000, bytes(200_000)
    received = exchange(ends, [long_text(text), Attached(data), np.zeros((400, 400), np.uint8)])
    assert received.frame.sizes == [200_000, 200_000, 160_000]
    assert received.size_bytes < 560_200
    assert received.open()[:2] == [text, data]


def test_scalars_of_numpy_are_numbers(ends):
    assert exchange(ends, [np.float32(0.5), np.int64(3), np.bool_(True)]).open() == [0.5, 3, True]


@pytest.mark.parametrize(
    "value",
    [object(), np.array([object()]), np.array(["a"]), np.zeros(3, ">f4"), np.zeros((1,) * 9), 1 << 70, "\ud800"],
)
def test_what_cannot_be_sent_is_said_so(ends, value):
    sender, receiver, _ = ends
    with pytest.raises(WireError, match="cannot be handed over"):
        sender.send(FrameKind.RESULT, 1, "", [value])
    assert exchange((sender, receiver, None), "next").open() == "next"


@pytest.mark.parametrize(
    "body", ["x" * (65 << 10), [Attached(bytes(800_000))] * 2, [Attached(b"")] * 5000, [[]] * 2000]
)
def test_too_much_is_not_sent(ends, body):
    with pytest.raises(WireError, match="more than can be handed over at once"):
        ends[0].send(FrameKind.RESULT, 1, "", body)


@pytest.mark.parametrize("piece", ["x" * 500_001, bytes(900_001)])
def test_pieces_that_are_too_long_are_neither_sent_nor_read(ends, piece):
    sender, receiver, stream = ends
    with pytest.raises(WireError, match=r"cannot be handed over \(\d{3},001 bytes in one piece\)"):
        sender.send(FrameKind.RESULT, 1, "", Attached(piece))
    head, [attachment] = pack(FrameKind.RESULT, 1, "", Attached(piece))
    sending = threading.Thread(target=stream.sendall, args=(struct.pack("<I", len(head)) + head + bytes(attachment),))
    sending.start()
    received = receiver.receive()
    sending.join()
    with pytest.raises(WireError, match=r"a message with a value of the kind \d and \d{3},001 bytes"):
        received.open()


def frame(kind=1, number=1, name="", body=None, sizes=()):
    return msgspec.msgpack.encode([kind, number, name, body, list(sizes)])


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\xc1",
        b"\x90",
        frame(kind=9),
        frame(number="a"),
        frame(name=3),
        frame(sizes=[-1]),
        frame(sizes=[1 << 40]),
        frame(sizes=[1] * 5000),
        msgspec.msgpack.encode([1, 1, "", None, [], "more"]),
        b"\x91" * 900,
        b"\x91" * 5000,
    ],
)
def test_what_is_no_frame_is_refused(ends, head):
    _, receiver, stream = ends
    stream.sendall(struct.pack("<I", len(head)) + head)
    with pytest.raises(WireError):
        receiver.receive()


def test_a_head_that_is_too_long_is_not_read(ends):
    ends[2].sendall(struct.pack("<I", (64 << 10) + 1))
    with pytest.raises(WireError, match="of which 65,536 are allowed"):
        ends[1].receive()


@pytest.mark.parametrize(
    "described",
    [[], ["a"], [5], [-1], [0, "<f4", 3], [0, "<f4", -2], [0, "|O8", 1], [0, "<f4", "2"], [0, "<f4", *[1] * 9, 2]],
)
def test_arrays_that_are_none_are_refused(ends, described):
    _, receiver, stream = ends
    head = frame(body=msgspec.msgpack.Ext(1, msgspec.msgpack.encode(described)), sizes=[8])
    stream.sendall(struct.pack("<I", len(head)) + head + bytes(8))
    received = receiver.receive()
    with pytest.raises(WireError):
        received.open()


def test_the_end_is_noticed(ends):
    sender, receiver, _ = ends
    sender.close()
    assert receiver.receive() is None
    with pytest.raises(OSError):
        sender.send(FrameKind.TELL, 1, "", None)


@given(st.binary(max_size=300))
def test_random_bytes_are_refused_or_read(data):
    ours, theirs = socket.socketpair()
    receiver = Channel(theirs, LIMITS, LIMITS)
    with ours:
        ours.sendall(struct.pack("<I", len(data)) + data)
        ours.shutdown(socket.SHUT_WR)
        try:
            received = receiver.receive()
            assert received is None or received.open() is None or received.frame.sizes == []
        except WireError as error:
            assert str(error)  # noqa: PT017 - both outcomes are right
    receiver.close()
    receiver.stop_receiving()


def test_a_frame_costs_little():
    head, attachments = pack(FrameKind.CALL, 1, "compose", [3, user("Hello " * 50)])
    assert (len(head) < 400, attachments) == (True, [])
