"""Memory behind a mapping, on this system."""

import ctypes
import mmap
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.backends.llama.paging.mappings import mapped_at
from engine.backends.llama.paging.posix import PosixPages
from engine.models.page_plan import PAGE_BYTES, Span

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what can be laid over a mapping was run on Linux only")

PAGES = 64
SIZE = PAGES * PAGE_BYTES - 100  # the last page is not whole


def span(first: int, end: int) -> Span:
    return Span(0, first * PAGE_BYTES, end * PAGE_BYTES)


@pytest.fixture
def content() -> bytes:
    return b"".join(number.to_bytes(2, "little") * (PAGE_BYTES // 2) for number in range(PAGES))[:SIZE]


@pytest.fixture
def file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(content)
    return path


@pytest.fixture
def base(file: Path) -> Iterator[int]:
    """The file mapped for reading, as llama.cpp does it."""
    before = mapped_at(file)
    with file.open("rb") as stream:
        view = mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ)
    (address,) = mapped_at(file) - before
    yield address
    view.close()


@pytest.fixture(params=[True, False], ids=["moved", "made anew"])
def pages(request: pytest.FixtureRequest, file: Path, base: int) -> Iterator[PosixPages]:
    opened = PosixPages([file], {0: base}, moves=request.param)
    yield opened
    opened.close()


def seen(base: int, part: Span) -> bytes:
    return ctypes.string_at(base + part.start, min(part.end, SIZE) - part.start)


def test_the_address_is_that_of_the_first_byte(base: int, content: bytes):
    assert seen(base, span(0, PAGES)) == content


def test_what_is_pinned_is_what_the_file_says(pages: PosixPages, base: int, content: bytes):
    part = span(3, PAGES)
    pages.empty([part])
    assert seen(base, part) == bytes(len(content) - part.start)
    pages.pin(part)
    assert seen(base, span(0, PAGES)) == content


def test_what_is_pinned_outlives_the_file(pages: PosixPages, base: int, content: bytes, file: Path):
    pages.empty([span(0, 8)])
    pages.pin(span(0, 8))
    os.truncate(file, 0)
    assert seen(base, span(0, 8)) == content[: 8 * PAGE_BYTES]


def test_memory_goes_from_chunk_to_chunk(pages: PosixPages, base: int, content: bytes):
    chunks = [span(first, first + 4) for first in (4, 20, 40)]
    pages.empty(chunks)
    source = None
    for chunk in (*chunks, *chunks):
        pages.move(source, chunk)
        for first in range(chunk.start, chunk.end, 2 * PAGE_BYTES):
            pages.fill(chunk.start, Span(0, first, first + 2 * PAGE_BYTES))
        assert seen(base, chunk) == content[chunk.start : chunk.end]
        if source is not None and source != chunk:
            assert not any(seen(base, source))
        source = chunk
    assert seen(base, span(24, 40)) == content[24 * PAGE_BYTES : 40 * PAGE_BYTES]


def test_a_file_that_became_shorter_is_an_error(pages: PosixPages, base: int, file: Path):
    pages.empty([span(8, 12)])
    os.truncate(file, 8 * PAGE_BYTES)
    with pytest.raises(OSError, match="shorter"):
        pages.fill(8 * PAGE_BYTES, span(8, 12))


def test_a_place_that_is_none_is_an_error(file: Path):
    pages = PosixPages([file], {0: (1 << 64) - (1 << 20)})
    with pytest.raises(OSError):
        pages.empty([span(0, 4)])
    pages.close()


def test_two_mappings_of_a_file_are_told_apart(file: Path, base: int):
    before = mapped_at(file)
    with file.open("rb") as stream:
        second = mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ)
    assert base in before
    assert len(mapped_at(file) - before) == 1
    second.close()
    assert mapped_at(file) == before


def test_a_file_that_cannot_be_opened_leaves_none_open(file: Path):
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(FileNotFoundError):
        PosixPages([file, file.with_name("none")], {0: 0, 1: 0})
    assert len(os.listdir("/proc/self/fd")) == before
