from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.caching import CacheTier
from engine.memory.answers import files
from engine.memory.answers.store import AnswerStore, Found

KEY, OTHER = b"k" * 32, b"o" * 32

MakeStore = Callable[..., AnswerStore]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStore]:
    """Make stores over the same folder; they are closed after the test."""
    made: list[AnswerStore] = []

    def store(memory: int = 1_000_000, disk: int = 20_000_000) -> AnswerStore:
        made.append(AnswerStore(tmp_path / "answers", memory, disk, days=1))
        return made[-1]

    yield store
    for one in made:
        one.close()


def test_memory_comes_first_and_the_disk_lasts(make: MakeStore):
    first = make()
    first.put({KEY: b"value"})
    assert first.get(KEY) == Found(b"value", CacheTier.MEMORY)
    second = make()
    assert second.get(KEY) == Found(b"value", CacheTier.DISK)
    assert second.get(KEY) == Found(b"value", CacheTier.MEMORY)
    assert (second.memory_info().hits, second.disk_info().hits) == (1, 1)
    assert second.get(OTHER) is None


@pytest.mark.parametrize(("memory", "disk"), [(1_000_000, 0), (0, 20_000_000)])
def test_each_tier_can_be_off(make: MakeStore, tmp_path: Path, memory: int, disk: int):
    store = make(memory, disk)
    store.open()
    store.put({KEY: b"value"})
    found = store.get(KEY)
    assert found is not None
    assert found.tier is (CacheTier.MEMORY if memory else CacheTier.DISK)
    assert (tmp_path / "answers").exists() is bool(disk)
    assert store.trouble == ""


def test_both_can_be_off(make: MakeStore, tmp_path: Path):
    store = make(0, 0)
    store.put({KEY: b"value"})
    assert (store.is_on, store.get(KEY)) == (False, None)
    assert list(tmp_path.iterdir()) == []


def test_other_processes_forget_too(make: MakeStore):
    one, other = make(), make()
    one.put({KEY: b"value"})
    assert other.get(KEY) is not None
    one.clear()
    assert (one.get(KEY), other.get(KEY)) == (None, None)
    other.put({KEY: b"new"})
    one.clear()
    assert other.get(KEY) is None


def test_what_is_in_memory_stays_when_the_disk_goes(make: MakeStore, tmp_path: Path):
    store = make()
    store.put({KEY: b"value"})
    files.drop(tmp_path / "answers")
    assert store.get(KEY) == Found(b"value", CacheTier.MEMORY)


def test_limits_change_while_it_is_used(make: MakeStore, tmp_path: Path):
    store = make()
    store.put({KEY: b"value"})
    store.set_limits(0, 0)
    store.fit()
    assert (store.is_on, store.get(KEY)) == (False, None)
    assert (store.memory_info().limit_bytes, store.disk_info().limit_bytes) == (0, 0)
    store.set_limits(2_000_000, 30_000_000)
    store.fit()
    store.put({KEY: b"value"})
    assert (store.memory_info().entries, store.disk_info().entries) == (1, 1)
