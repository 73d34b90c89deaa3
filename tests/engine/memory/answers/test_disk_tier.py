"""The disk tier when all goes well, and what it refuses when rows are not its own."""

import os
import pickle
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from engine.memory.answers import files
from engine.memory.answers.disk_tier import DiskTier
from engine.memory.answers.memory_tier import MOST_SHARE

LIMIT = 20_000_000
KEY, OTHER = b"k" * 32, b"o" * 32

MakeTier = Callable[..., DiskTier]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "answers"


@pytest.fixture
def make(folder: Path) -> Iterator[MakeTier]:
    """Make tiers over the same folder; they are closed after the test."""
    made: list[DiskTier] = []

    def tier(limit: int = LIMIT, keep_s: float = 1000.0, **how: float) -> DiskTier:
        made.append(DiskTier(folder, limit, keep_s, **how))
        return made[-1]

    yield tier
    for one in made:
        one.close()


def change(folder: Path, sql: str, values: tuple[object, ...] = ()) -> None:
    with closing(sqlite3.connect(folder / files.DATABASE)) as database:
        database.execute(sql, values)
        database.commit()


class Bomb:
    """What a pickle that somebody has left does when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


def test_what_was_kept_is_there_in_the_next_run(make: MakeTier):
    first = make()
    assert first.put({KEY: b"value", OTHER: b""})
    first.close()
    second = make()
    assert (second.get(KEY), second.get(OTHER), second.get(b"x" * 32)) == (b"value", b"", None)
    assert (second.entries, second.hits, second.trouble) == (2, 2, "")


def test_only_the_owner_can_read_it(make: MakeTier, folder: Path):
    folder.mkdir(parents=True, mode=0o755)
    (folder / files.DATABASE).touch(0o644)
    make().put({KEY: b"value"})
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "cache.db": 0o600,
        "cache.db-wal": 0o600,
        "cache.db-shm": 0o600,
    }


def test_it_keeps_within_its_limit_whatever_the_sizes(make: MakeTier, folder: Path):
    limit = 2_000_000
    tier = make(limit)
    for number in range(300):
        tier.put({number.to_bytes(32, "big"): os.urandom(number * 199 % int(MOST_SHARE * limit))})
        assert files.size_bytes(folder) <= limit
    assert tier.size_bytes > limit / 2
    assert tier.get((299).to_bytes(32, "big")) is not None
    assert tier.get((1).to_bytes(32, "big")) is None


def test_what_is_too_large_is_not_kept(make: MakeTier):
    tier = make()
    assert not tier.put({KEY: bytes(int(MOST_SHARE * LIMIT) + 1)})
    assert tier.put({KEY: bytes(int(MOST_SHARE * LIMIT) + 1), OTHER: b"x"})
    assert (tier.get(KEY), tier.get(OTHER)) == (None, b"x")


def test_a_smaller_limit_holds_at_once(make: MakeTier, folder: Path):
    tier = make()
    tier.put({number.to_bytes(32, "big"): os.urandom(5000) for number in range(1000)})
    assert files.size_bytes(folder) > 4_000_000
    tier.limit_bytes = 2_000_000
    tier.fit()
    assert files.size_bytes(folder) <= 2_000_000
    assert tier.entries > 100
    tier.limit_bytes = 0
    tier.fit()
    assert not folder.exists()
    assert (tier.entries, tier.put({KEY: b"x"}), tier.get(KEY)) == (0, False, None)


def test_it_forgets_after_a_while(make: MakeTier):
    tier = make(keep_s=-1.0)
    assert tier.put({KEY: b"value"})
    assert tier.get(KEY) is None


def test_clearing_leaves_nothing(make: MakeTier, folder: Path):
    tier, other = make(), make()
    tier.put({KEY: b"a secret"})
    assert other.get(KEY) == b"a secret"
    tier.clear()
    assert (tier.entries, tier.get(KEY), other.get(KEY)) == (0, None, None)
    assert not any(b"a secret" in path.read_bytes() for path in folder.parent.rglob("*") if path.is_file())
    assert other.put({KEY: b"new"})
    assert tier.get(KEY) == b"new"


def test_a_folder_that_somebody_deletes_is_made_again(make: MakeTier, folder: Path):
    tier = make()
    tier.put({KEY: b"value"})
    files.drop(folder)
    assert tier.get(KEY) is None
    assert tier.put({KEY: b"value"})
    assert tier.get(KEY) == b"value"


def test_what_a_killed_process_has_left_of_dropping_is_removed(make: MakeTier, folder: Path):
    left = folder.with_name("answers.dropped-123")
    left.mkdir(parents=True)
    (left / "cache.db").write_bytes(b"x")
    make().open()
    assert not left.exists()


def test_a_value_that_was_changed_is_a_miss_and_goes(make: MakeTier, folder: Path):
    tier = make()
    tier.put({KEY: b"value"})
    change(folder, "UPDATE Cache SET value = substr(value, 1, 18) || x'00' || substr(value, 20)")
    assert tier.get(KEY) is None
    assert tier.put({OTHER: b"x"})
    assert tier.entries == 1


def test_a_value_under_another_key_is_a_miss(make: MakeTier, folder: Path):
    tier = make()
    tier.put({KEY: b"value"})
    change(folder, "UPDATE Cache SET key = ?", (OTHER,))
    assert tier.get(OTHER) is None


@pytest.mark.parametrize("mode", [2, 3, 4])
def test_a_poisoned_row_runs_no_code_and_reads_and_deletes_no_file(make: MakeTier, folder: Path, mode: int):
    tier = make()
    tier.put({KEY: b"value"})
    victim, trap = folder.parent / "victim.txt", folder.parent / "trap"
    victim.write_bytes(pickle.dumps(Bomb(trap)))
    change(folder, "UPDATE Cache SET mode = ?, filename = '../victim.txt', value = NULL", (mode,))
    assert tier.get(KEY) is None  # refused, and the row deleted
    assert tier.put({KEY: b"value"})
    change(folder, "UPDATE Cache SET mode = ?, filename = '../victim.txt', value = NULL", (mode,))
    assert tier.put({KEY: b"newer"})  # the library wants to delete the old value's file
    change(folder, "UPDATE Cache SET filename = '../victim.txt', expire_time = 1")
    assert tier.put({OTHER: b"x"})  # and that of what is too old
    tier.clear()
    assert victim.exists()
    assert not trap.exists()


def test_a_pickle_within_a_row_is_not_read(make: MakeTier, folder: Path):
    tier = make()
    tier.put({KEY: b"value"})
    trap = folder.parent / "trap"
    change(folder, "UPDATE Cache SET mode = 4, value = ?", (pickle.dumps(Bomb(trap)),))
    assert tier.get(KEY) is None
    change(folder, "INSERT INTO Cache (key, raw, mode, value) VALUES (?, 0, 4, ?)", (b"x", pickle.dumps(Bomb(trap))))
    assert tier.put({KEY: b"value"})
    assert tier.get(KEY) == b"value"
    assert not trap.exists()


@pytest.mark.parametrize(
    "poison",
    [
        "INSERT INTO Settings VALUES ('sqlite_temp_store_directory', '/nowhere')",
        "INSERT INTO Settings VALUES ('_disk', 1)",
        "CREATE TABLE Mine (x)",
        "CREATE TRIGGER Mine AFTER INSERT ON Cache BEGIN DELETE FROM Cache; END",
        "ALTER TABLE Cache RENAME COLUMN value TO other",
    ],
)
def test_a_database_of_another_shape_is_set_aside(make: MakeTier, folder: Path, poison: str):
    tier = make()
    tier.put({KEY: b"value"})
    tier.close()
    change(folder, poison)
    after = make()
    assert after.put({OTHER: b"x"})
    assert (after.get(KEY), after.get(OTHER), after.trouble) == (None, b"x", "")
    assert len(list(folder.parent.glob("answers.corrupt-*"))) == 1


def test_two_processes_may_use_it(make: MakeTier):
    tiers = [make(), make()]
    wrong: list[object] = []

    def work(number: int) -> None:
        tier = tiers[number]
        for at in range(50):
            key = (number * 1000 + at).to_bytes(32, "big")
            if tier.put({key: key}) and tier.get(key) != key:
                wrong.append(at)
        tier.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert sum(make().get(key.to_bytes(32, "big")) is not None for key in (*range(50), *range(1000, 1050))) > 50


def test_one_that_another_process_holds_costs_a_moment_and_nothing_else(make: MakeTier, folder: Path):
    tier = make()
    tier.put({KEY: b"value"})
    with closing(sqlite3.connect(folder / files.DATABASE, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        assert tier.get(KEY) == b"value"
        assert not tier.put({OTHER: b"x"})
        newcomer = make()
        assert newcomer.get(KEY) is None
    assert tier.put({OTHER: b"x"})
    assert (tier.trouble, newcomer.trouble) == ("", "")
