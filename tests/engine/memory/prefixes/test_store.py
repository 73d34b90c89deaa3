"""States on disk: found, read, replaced, and gone when there is no room."""

import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.backends.base import Conversation
from engine.memory.prefixes import PrefixKey, PrefixStore, file
from engine.memory.prefixes import store as store_module

KEY = PrefixKey(
    path="/models/a.gguf", size_bytes=1, changed_ns=2, context_tokens=512, library="llama.cpp 1", layout="f16 CPU"
)
OTHER = replace(KEY, path="/models/b.gguf")
LIMIT = 1 << 30


def conversation(number: int, size_bytes: int = 1000, tokens: int = 40) -> Conversation:
    state = np.random.default_rng(number).integers(0, 256, size_bytes).astype(np.uint8)
    return Conversation(tuple(range(number, number + tokens)), state, number)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "prefixes"


@pytest.fixture
def open_store(folder: Path):
    opened = []

    def make(limit_bytes: int = LIMIT, at: Path | None = None) -> PrefixStore:
        opened.append(PrefixStore(folder if at is None else at, limit_bytes))
        return opened[-1]

    yield make
    for store in opened:
        store.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name == "hearth-prefixes"]


def keep(store: PrefixStore, *conversations: Conversation, key: PrefixKey = KEY, whole: bool = False) -> None:
    model = store.of(key, whole=whole)
    for one in conversations:
        model.store(one)
        assert store.flush()


def found(store: PrefixStore, tokens, key: PrefixKey = KEY) -> Conversation | None:
    model = store.of(key, whole=False)
    match = model.find(tuple(tokens))
    return None if match is None else model.read(match)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_what_is_kept_is_found_by_another_life(open_store, folder):
    kept = conversation(1)
    keep(open_store(), kept, conversation(500))
    again = open_store()
    model = again.of(KEY, whole=False)
    match = model.find((*kept.tokens, 7, 7))
    assert match is not None
    assert match.shared == 40
    assert match.size_bytes >= 1000
    back = model.read(match)
    assert (back.tokens, back.state.tobytes()) == (kept.tokens, kept.state.tobytes())
    assert again.info().hits == 1
    assert found(again, kept.tokens, OTHER) is None
    assert found(again, range(9000, 9100)) is None


def test_files_belong_to_their_owner_alone(open_store, folder):
    keep(open_store(), conversation(1))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in files(folder)] == [0o600]


def test_it_is_found_before_it_is_written(open_store, folder):
    store = open_store()
    model = store.of(KEY, whole=False)
    with store._disk:  # the writer cannot begin
        model.store(conversation(1))
        match = model.find(range(1, 60))
        assert match is not None
        assert match.shared == 40
        assert model.read(match).tokens == conversation(1).tokens
        assert not folder.exists()
    assert store.flush()
    assert len(files(folder)) == 1


def test_a_growing_conversation_has_one_file(open_store, folder):
    store = open_store()
    keep(store, conversation(1, tokens=40), conversation(1, tokens=60), conversation(1, tokens=60))
    assert len(files(folder)) == 1
    assert len(found(store, range(1, 100)).tokens) == 60
    keep(store, conversation(1, tokens=50))  # needless: the longer one can be cut
    assert len(files(folder)) == 1
    assert len(found(store, range(1, 100)).tokens) == 60


def test_a_model_that_cannot_rewind_keeps_every_length(open_store, folder):
    store = open_store()
    keep(store, conversation(1, tokens=40), conversation(1, tokens=60), whole=True)
    assert len(files(folder)) == 2


def test_little_is_not_kept(open_store, folder):
    keep(open_store(), conversation(1, tokens=31), conversation(2, 0))
    assert not folder.exists()


def test_those_used_longest_ago_make_room(open_store, folder):
    store = open_store(4 * 2000)
    keep(store, *(conversation(1000 * number, 1500) for number in range(3)))
    first = found(store, range(50))  # used now
    assert first is not None
    old = store.of(KEY, whole=False).find(range(1000, 1050))
    keep(store, *(conversation(1000 * number, 1500) for number in (3, 4)), key=OTHER)
    assert found(store, range(50)) is not None
    assert found(store, range(1000, 1050)) is None
    assert store.of(KEY, whole=False).read(old) is None
    assert sum(path.stat().st_size for path in files(folder)) == store.info().size_bytes <= 8000


def test_a_limit_can_shrink_and_be_nothing(open_store, folder):
    store = open_store()
    keep(store, *(conversation(1000 * number, 1500) for number in range(3)))
    store.set_limit(2500)
    assert len(files(folder)) == store.info().entries == 1
    store.set_limit(0)
    assert files(folder) == []
    keep(store, conversation(1))
    assert files(folder) == []
    assert found(store, range(1, 50)) is None
    keep(open_store(), conversation(1))
    open_store(0).of(KEY, whole=False)
    assert files(folder) == []


def test_clearing_leaves_nothing(open_store, folder):
    store = open_store()
    keep(store, conversation(1), conversation(500))
    store.clear()
    assert files(folder) == []
    assert store.info().entries == 0
    assert found(store, range(1, 50)) is None
    keep(store, conversation(1))
    assert found(store, range(1, 50)) is not None


def test_memory_that_waits_to_be_written_is_bounded(open_store, monkeypatch):
    monkeypatch.setattr(store_module, "PENDING_BYTES", 2500)
    store = open_store()
    model = store.of(KEY, whole=False)
    with store._disk:
        for number in range(6):
            model.store(conversation(1000 * number))
        waiting = [number for number in range(6) if model.find(range(1000 * number, 1000 * number + 50)) is not None]
    assert store.flush()
    # The writer may have taken the first one before the others came.
    assert waiting[-2:] == [4, 5]
    assert len(waiting) <= 3


def test_one_large_state_may_wait_alone(open_store, folder, monkeypatch):
    monkeypatch.setattr(store_module, "PENDING_BYTES", 10)
    keep(open_store(), conversation(1))
    assert len(files(folder)) == 1


@pytest.mark.parametrize("at", [3, 60, 300, -500, -1])
def test_a_damaged_file_is_removed(open_store, folder, at, caplog):
    keep(open_store(), conversation(1))
    (path,) = files(folder)
    data = bytearray(path.read_bytes())
    data[at] ^= 0x15
    path.write_bytes(data)
    assert found(open_store(), range(1, 60)) is None
    assert not path.exists()
    assert "damaged" in caplog.text


HEAD = file.MAGIC


@pytest.mark.parametrize("data", [b"", b"x", HEAD, HEAD + b"{}\n", HEAD + b"[]\n", HEAD + b"[" * 9000 + b"\n"])
def test_a_file_that_is_none_is_removed(open_store, folder, data):
    folder.mkdir()
    path = folder / file.file_name(KEY, np.arange(40, dtype=np.int32))
    path.write_bytes(data)
    assert found(open_store(), range(1, 60)) is None
    assert not path.exists()


def test_a_file_cut_off_half_way_is_removed(open_store, folder):
    store = open_store()
    keep(store, conversation(1))
    (path,) = files(folder)
    path.write_bytes(path.read_bytes()[:-700])
    assert found(open_store(), range(1, 60)) is None
    assert not path.exists()


def test_what_a_killed_writer_left_is_swept_up(open_store, folder):
    folder.mkdir()
    fresh, old = folder / "a.kv.1.new", folder / "b.kv.1.new"
    for path in (fresh, old):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    open_store().of(KEY, whole=False)
    assert files(folder) == [fresh]


def test_a_disk_that_takes_nothing_costs_one_line_in_the_log(open_store, tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    store = open_store(at=blocked)
    keep(store, conversation(1))
    assert len(caplog.records) == 1
    assert found(store, range(1, 60)) is None


def test_a_full_disk_leaves_nothing_behind(open_store, folder, monkeypatch, caplog):
    store = open_store()

    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(file.os, "replace", full)
    keep(store, conversation(1))
    assert files(folder) == []
    assert "No space left" in caplog.text
    assert found(store, range(1, 60)) is None


def test_no_more_than_a_quarter_of_the_free_disk_is_taken(open_store, folder, monkeypatch):
    real = shutil.disk_usage(folder.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: real._replace(free=4 * 3000))
    store = open_store()
    keep(store, *(conversation(1000 * number, 1500) for number in range(3)))
    assert len(files(folder)) == 1


def test_two_processes_share_the_folder(open_store, folder):
    one, other = open_store(), open_store()
    here, there = one.of(KEY, whole=False), other.of(KEY, whole=False)
    keep(one, conversation(1))
    match = there.find(range(1, 60))
    assert match is not None
    keep(other, conversation(500))
    assert here.find(range(500, 560)) is not None
    one.clear()
    assert there.read(match) is None
    assert there.find(range(1, 60)) is None


def test_two_readers_of_one_state_share_its_memory(open_store):
    keep(open_store(), conversation(1))
    store = open_store()
    first = found(store, range(1, 60))
    assert found(store, range(1, 50)) is first


def test_closing_writes_what_waits_and_takes_no_more(open_store, folder):
    store = open_store()
    model = store.of(KEY, whole=False)
    model.store(conversation(1))
    store.close()
    assert len(files(folder)) == 1
    model.store(conversation(500))
    assert model.find(range(500, 560)) is None
