"""How fast a disk reads."""

from pathlib import Path

import pytest

from engine.devices import disk
from engine.errors import ModelFileError


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(disk, "_known", {})


@pytest.mark.parametrize("size", [1, 4_096, 100_001, 3 * disk.PIECE_BYTES + 17])
def test_files_of_any_size_have_a_speed(tmp_path: Path, size: int):
    path = tmp_path / "file"
    path.write_bytes(bytes(size))
    assert disk.measured_bytes_per_s(path) > 0


def test_no_more_is_read_than_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "file"
    path.write_bytes(bytes(5 * disk.PIECE_BYTES))
    starts: list[int] = []
    read = disk._read_at

    def noting(handle: int, buffer: object, start: int) -> int:
        starts.append(start)
        return read(handle, buffer, start)

    monkeypatch.setattr(disk, "_read_at", noting)
    disk.measured_bytes_per_s(path, 2 * disk.PIECE_BYTES)
    assert sorted(starts) == [0, disk.PIECE_BYTES]


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
