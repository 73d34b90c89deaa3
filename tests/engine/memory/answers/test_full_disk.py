"""A full disk: the tier switches itself off, says so, and is there again when there is room."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from engine.memory.answers.disk_tier import DiskTier
from engine.memory.answers.store import AnswerStore

KEY, LIMIT = b"k" * 32, 20_000_000


def name(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)]
    with suppress(FileNotFoundError):
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            yield place
            subprocess.run(["umount", str(place)], check=True)
            return
    pytest.skip("nothing can be mounted here; files of limited size are tried instead")


def fill(place: Path) -> Path:
    """Leave no byte free."""
    path = place / "full"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return path


def test_it_goes_off_and_on_by_itself(small_disk: Path):
    store = AnswerStore(small_disk / "answers", 1_000_000, LIMIT, days=1)
    store._disk._retry_s = 0.0
    store.put({KEY: b"known"})
    full, numbers = fill(small_disk), iter(range(10_000))
    while not store.trouble:
        store.put({name(next(numbers)): os.urandom(3000)})
    assert store.trouble == "The disk is full, so answers are kept in memory only."
    store.put({name(9_000): b"in memory"})
    assert store.get(name(9_000)) is not None
    assert store.get(b"unknown" * 4) is None
    assert store.trouble
    full.unlink()
    store.put({name(9_001): b"on disk"})
    assert store.trouble == ""
    store.close()
    again = DiskTier(small_disk / "answers", LIMIT, 1000.0)
    assert again.get(name(9_001)) == b"on disk"
    again.close()


def test_it_does_not_fill_a_small_disk_itself(small_disk: Path):
    tier = DiskTier(small_disk / "answers", 1_000_000_000, 1000.0)
    for number in range(150):
        assert tier.put({name(number): os.urandom(100_000)})
    assert tier.trouble == ""
    assert sum(path.stat().st_size for path in small_disk.rglob("*") if path.is_file()) < 5 << 20
    tier.close()


def test_a_disk_that_is_full_from_the_start(small_disk: Path):
    full = fill(small_disk)
    tier = DiskTier(small_disk / "answers", LIMIT, 1000.0, retry_s=0.0)
    assert not tier.put({KEY: b"value"})
    assert "full" in tier.trouble
    full.unlink()
    assert tier.put({KEY: b"value"})
    assert (tier.get(KEY), tier.trouble) == (b"value", "")
    tier.close()


@pytest.mark.skipif(os.name == "nt", reason="Windows limits no files")
def test_files_that_may_not_grow(tmp_path: Path):
    program = """
import os, resource, signal, sys
from pathlib import Path
from engine.memory.answers.disk_tier import DiskTier
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
tier = DiskTier(Path(sys.argv[1]), 20_000_000, 1000.0, retry_s=0.0)
assert tier.put({b"k" * 32: b"value"})
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
number = 0
while not tier.trouble:
    number += 1
    tier.put({number.to_bytes(32, "big"): os.urandom(3000)})
    assert number < 10_000
print(tier.trouble)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert tier.put({b"n" * 32: b"new"}), tier.trouble
assert tier.get(b"n" * 32) == b"new" and not tier.trouble
"""
    command = [sys.executable, "-c", program, str(tmp_path / "answers")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(("The disk is full", "Answers cannot be kept on disk"))
