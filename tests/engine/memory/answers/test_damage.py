"""Damaged databases: the start always succeeds, nothing wrong is ever said, and what is new is kept."""

import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from engine.memory.answers import files
from engine.memory.answers.disk_tier import DiskTier

LIMIT = 20_000_000
NEW = b"n" * 32
ENTRIES = {number.to_bytes(32, "big"): os.urandom(50 + 131 * number % 9000) for number in range(60)}
MOST_S = 3.0


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with sixty answers, part of them still in the journal, as a kill leaves it."""
    folder, copy = tmp_path_factory.mktemp("whole") / "answers", tmp_path_factory.mktemp("copy") / "answers"
    tier = DiskTier(folder, LIMIT, 1000.0)
    for key, value in ENTRIES.items():
        assert tier.put({key: value})
    shutil.copytree(folder, copy)
    tier.close()
    assert (copy / "cache.db-wal").stat().st_size > 0
    return copy


def overwrite(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)


def header(path: Path, draw: random.Random) -> None:
    overwrite(path, draw.randrange(100), draw.randbytes(draw.randrange(1, 60)))


def middle(path: Path, draw: random.Random) -> None:
    size = path.stat().st_size
    overwrite(path, draw.randrange(size), draw.randbytes(draw.randrange(1, max(2, size // 3))))


def one_byte(path: Path, draw: random.Random) -> None:
    overwrite(path, draw.randrange(path.stat().st_size), draw.randbytes(1))


def cut(path: Path, draw: random.Random) -> None:
    os.truncate(path, draw.randrange(path.stat().st_size))


def empty(path: Path, draw: random.Random) -> None:
    os.truncate(path, 0)


def noise(path: Path, draw: random.Random) -> None:
    path.write_bytes(draw.randbytes(draw.randrange(1, 100_000)))


def gone(path: Path, draw: random.Random) -> None:
    path.unlink()


def folder_instead(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.mkdir()
    (path / "something").write_bytes(b"x")


def link_instead(path: Path, draw: random.Random) -> None:
    path.unlink()
    path.symlink_to("/nowhere/at/all")


KINDS: tuple[Callable[[Path, random.Random], None], ...] = (
    header, middle, one_byte, cut, empty, noise, gone, folder_instead, link_instead,
)  # fmt: skip


def survives(folder: Path, tier: DiskTier) -> None:
    """What is there is right or missing, new answers are kept, and it is quick."""
    began_s = time.monotonic()
    for key, value in ENTRIES.items():
        assert tier.get(key) in {None, value}
    assert tier.put({NEW: b"new"}) or tier.put({NEW: b"new"}), tier.trouble
    assert tier.get(NEW) == b"new"
    assert tier.trouble == ""
    assert time.monotonic() - began_s < MOST_S
    assert len(list(folder.parent.glob("answers.corrupt-*"))) <= files.KEPT_ASIDE


@pytest.mark.parametrize("damages", [30, pytest.param(200, marks=pytest.mark.long)])
def test_random_damages(whole: Path, tmp_path: Path, damages: int):
    draw, set_aside = random.Random(damages), 0
    for number in range(damages):
        folder = tmp_path / str(number) / "answers"
        shutil.copytree(whole, folder)
        file = draw.choices(["cache.db", "cache.db-wal", "cache.db-shm"], [6, 3, 1])[0]
        draw.choice(KINDS)(folder / file, draw)
        tier = DiskTier(folder, LIMIT, 1000.0, retry_s=0.0)
        survives(folder, tier)
        tier.close()
        set_aside += any(folder.parent.glob("answers.corrupt-*"))
        shutil.rmtree(folder.parent)
    assert set_aside > damages / 10


@pytest.mark.parametrize("kind", [middle, noise, empty, gone, folder_instead], ids=lambda kind: kind.__name__)
def test_damage_while_it_is_open(whole: Path, tmp_path: Path, kind: Callable[[Path, random.Random], None]):
    folder = tmp_path / "answers"
    shutil.copytree(whole, folder)
    tier = DiskTier(folder, LIMIT, 1000.0, retry_s=0.0)
    tier.open()
    kind(folder / files.DATABASE, random.Random(3))
    survives(folder, tier)
    tier.close()


def test_a_file_instead_of_the_folder(tmp_path: Path):
    folder = tmp_path / "answers"
    folder.write_bytes(b"x")
    tier = DiskTier(folder, LIMIT, 1000.0)
    survives(folder, tier)
    tier.close()
    assert len(list(tmp_path.glob("answers.corrupt-*"))) == 1


def test_a_database_of_another_program_is_set_aside(tmp_path: Path):
    folder = tmp_path / "answers"
    folder.mkdir()
    with closing(sqlite3.connect(folder / files.DATABASE)) as database:
        database.execute("CREATE TABLE chats (id)")
        database.commit()
    tier = DiskTier(folder, LIMIT, 1000.0)
    survives(folder, tier)
    tier.close()


def test_the_newest_three_are_kept_aside(tmp_path: Path):
    folder = tmp_path / "answers"
    for number in range(6):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / files.DATABASE).write_bytes(f"{number}".encode() * 5000)
        tier = DiskTier(folder, LIMIT, 1000.0)
        assert tier.put({NEW: b"new"})
        tier.close()
    kept = sorted(tmp_path.glob("answers.corrupt-*"))
    assert [(path / files.DATABASE).read_bytes()[:1] for path in kept] == [b"3", b"4", b"5"]


def test_a_folder_that_may_not_be_written_is_said_and_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = tmp_path / "file"
    place.write_bytes(b"x")
    tier = DiskTier(place / "answers", LIMIT, 1000.0)
    assert not tier.put({NEW: b"new"})
    assert tier.get(NEW) is None
    assert "be set aside" in tier.trouble or "cannot be kept" in tier.trouble
    assert place.read_bytes() == b"x"
