"""How fast a disk reads."""

import mmap
from pathlib import Path

import pytest

from engine.devices import disk
from engine.errors import ModelFileError
from engine.models.page_plan import PIECE_BYTES


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(disk, "_known", {})


@pytest.mark.parametrize("size", [1, 4_096, 100_001, 3 * PIECE_BYTES + 17])
def test_files_of_any_size_have_a_speed(tmp_path: Path, size: int):
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    assert disk.measured_bytes_per_s(path) > 0


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Where was read, and how many bytes came."""
    counted: list[tuple[int, int]] = []
    read = disk._read_at

    def noting(handle: int, buffer: mmap.mmap, first: int, start: int, size: int) -> int:
        count = read(handle, buffer, first, start, size)
        counted.append((start, count))
        return count

    monkeypatch.setattr(disk, "_read_at", noting)
    return counted


def test_no_more_is_read_than_is_wanted(tmp_path: Path, counts: list[tuple[int, int]]):
    path = tmp_path / "file"
    path.write_bytes(bytes(5 * PIECE_BYTES))
    disk.measured_bytes_per_s(path, 2 * PIECE_BYTES)
    assert sorted(counts) == [(0, PIECE_BYTES), (PIECE_BYTES, PIECE_BYTES)]


def test_ranges_are_read_whole_and_nothing_beside_them(tmp_path: Path, counts: list[tuple[int, int]]):
    path = tmp_path / "file"
    path.write_bytes(bytes(3 * PIECE_BYTES + 100))
    last = 3 * PIECE_BYTES
    assert disk.reading_s(path, [(8192, 12_288), (4096, 8192 + PIECE_BYTES), (last, last + 100)]) > 0
    assert sorted(counts) == [(4096, PIECE_BYTES), (8192, 4096), (4096 + PIECE_BYTES, 4096), (last, 100)]


def test_a_disk_is_measured_once(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(bytes(1 << 20))
    known = disk.disk_bytes_per_s(path)
    assert disk.disk_bytes_per_s(path) == known
    (tmp_path / "other").write_bytes(b"")
    assert disk.disk_bytes_per_s(tmp_path / "other") == known


def test_what_cannot_be_read_is_a_sentence(tmp_path: Path):
    with pytest.raises(ModelFileError, match="cannot be read"):
        disk.disk_bytes_per_s(tmp_path / "none")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(ModelFileError, match="it is empty"):
        disk.disk_bytes_per_s(tmp_path / "empty")
