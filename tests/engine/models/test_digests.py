"""SHA-256 of whole files."""

import hashlib
from pathlib import Path

import pytest

from engine.models import digests
from engine.models.digests import sha256_of


def test_files_count_as_one_and_every_block_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "BLOCK_BYTES", 4)
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"abcdef")
    second.write_bytes(b"ghi")
    told: list[tuple[int, int]] = []
    assert sha256_of(iter([first, second]), lambda *it: told.append(it)) == hashlib.sha256(b"abcdefghi").hexdigest()
    assert told == [(4, 9), (6, 9), (9, 9)]


def test_an_empty_file_and_one_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert sha256_of([tmp_path / "empty"]) == hashlib.sha256().hexdigest()
    with pytest.raises(FileNotFoundError):
        sha256_of([tmp_path / "gone"])


def test_who_is_told_may_end_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")

    def end(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sha256_of([tmp_path / "file"], end)
