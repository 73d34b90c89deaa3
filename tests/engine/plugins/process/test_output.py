"""OutputTail: the end is kept, the rest is counted."""

import io
import os

import pytest

from engine.plugins.process.output import OutputTail


@pytest.fixture
def printed():
    """The writing end of a pipe, and the tail of what is written."""
    reading, writing = os.pipe()
    tail = OutputTail(io.FileIO(reading, "rb"), keep_bytes=100)
    stream = io.FileIO(writing, "wb")
    yield stream, tail
    stream.close()
    tail.join(10)


def test_little_is_kept_whole(printed):
    stream, tail = printed
    stream.write("grün\n".encode())
    stream.write(b"\xff")
    stream.close()
    tail.join(10)
    assert tail.text() == "grün\n\ufffd"


def test_of_much_the_end_is_kept(printed):
    stream, tail = printed
    writer = io.BufferedWriter(stream)
    writer.write(b"x" * (20 << 20) + b"the end")
    writer.close()
    tail.join(10)
    assert tail.text() == f"[{(20 << 20) + 7 - 100:,} bytes before this were dropped]\n" + "x" * 93 + "the end"
