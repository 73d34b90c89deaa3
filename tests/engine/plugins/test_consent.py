"""Decisions are kept, or the earlier ones are: never half of a file, whatever fails and whenever it ends."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import PluginError
from engine.plugins import atomic_file
from engine.plugins.consent import ConsentStore, Decision

ALLOWED = Decision(digest="a" * 64, settings={"loud": True, "rounds": 3, "gain": 0.5, "judges": ["x", "y"]})
WRITES = ["open", "write", "fsync", "close", "replace"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "plugins.json"


def opened(path: Path) -> ConsentStore:
    store = ConsentStore(path)
    store.load()
    return store


def test_nothing_is_decided_at_first(path: Path):
    assert opened(path).get("shout") == Decision()
    assert not path.exists()


def test_decisions_last(path: Path):
    store = opened(path)
    store.put("shout", ALLOWED)
    store.put("whisper", Decision(is_enabled=False, stopped="It crashed."))
    again = opened(path)
    assert again.get("shout") == ALLOWED
    assert again.get("whisper") == Decision(is_enabled=False, stopped="It crashed.")
    again.put("shout", None)
    assert opened(path).get("shout") == Decision()
    assert opened(path).get("whisper").stopped == "It crashed."


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_only_its_owner_can_read_it(path: Path):
    opened(path).put("shout", ALLOWED)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_hearths_do_not_undo_each_others_decisions(path: Path):
    first, second = opened(path), opened(path)
    first.put("shout", ALLOWED)
    second.put("whisper", ALLOWED)
    assert opened(path).get("shout") == opened(path).get("whisper") == ALLOWED


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b'{"version": 1, "plugins": {"shout": {"digest": 3}}}', b"\xff\xfe", b"[" * 100_000],
    ids=["empty", "cut off", "other shape", "wrong type", "no text", "deep"],
)
def test_a_damaged_file_is_put_aside_and_everything_asks_again(damage: bytes, path: Path):
    path.parent.mkdir()
    path.write_bytes(damage)
    store = opened(path)
    assert store.get("shout") == Decision()
    assert store.damaged is not None
    assert store.damaged.name.startswith("plugins.json.corrupt.")
    assert store.damaged.read_bytes() == damage
    store.put("shout", ALLOWED)
    assert opened(path).get("shout") == ALLOWED


def test_a_file_that_cannot_be_read_is_not_written_over(path: Path):
    path.mkdir(parents=True)  # reading a folder fails for everybody, root included
    store = opened(path)
    assert store.get("shout") == Decision()
    with pytest.raises(PluginError, match="cannot be kept"):
        store.put("shout", ALLOWED)
    assert path.is_dir()


def failing(real: Callable[..., object], number: int) -> Callable[..., object]:
    """A call that fails with a full disk when it is called for the nth time."""
    count = 0

    def call(*args: object, **named: object) -> object:
        nonlocal count
        count += 1
        if count == number:
            if real.__name__ == "close":
                real(*args)  # it says that something was lost, but closes all the same
            raise OSError(28, "No space left on device")
        return real(*args, **named)

    return call


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_failing_call_leaves_the_old_or_the_new_decisions(
    name: str, number: int, path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = opened(path)
    store.put("shout", ALLOWED)
    with monkeypatch.context() as patch:
        patch.setattr(atomic_file.os, name, failing(getattr(os, name), number))
        try:
            store.put("shout", Decision(is_enabled=False))
            is_kept = True
        except PluginError:
            is_kept = False
    found = opened(path)
    assert found.damaged is None
    if is_kept:
        assert found.get("shout") == Decision(is_enabled=False) == store.get("shout")
    else:
        # A failure after the rename may leave the new decisions, but what is in memory is what was kept before.
        assert found.get("shout") in (ALLOWED, Decision(is_enabled=False))
        assert store.get("shout") == ALLOWED
    store.put("shout", ALLOWED)
    assert opened(path).get("shout") == ALLOWED


KILLED = """
import os, signal, sys
from pathlib import Path
from engine.plugins import atomic_file
from engine.plugins.consent import ConsentStore, Decision

count, number = 0, int(sys.argv[2])

def counted(real):
    def call(*args, **named):
        global count
        count += 1
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **named)
    return call

store = ConsentStore(Path(sys.argv[1]))
store.load()
for name in ("open", "write", "fsync", "close", "replace"):
    setattr(atomic_file.os, name, counted(getattr(os, name)))
store.put("whisper", Decision(digest="b" * 64))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_being_killed_before_any_call_loses_nothing(path: Path):
    """A real process, ended before its first, second, third ... system call of a write."""
    opened(path).put("shout", ALLOWED)
    outcomes = []
    for number in range(1, 30):
        child = subprocess.run([sys.executable, "-c", KILLED, str(path), str(number)], check=False)
        found = opened(path)
        assert found.damaged is None
        assert found.get("shout") == ALLOWED
        outcomes.append(found.get("whisper").digest)
        if child.returncode == 0:
            break
        found.put("whisper", None)
    assert child.returncode == 0  # it came to its end at last
    assert outcomes[0] == ""  # killed before anything was written
    assert outcomes[-1] == "b" * 64


def test_a_decision_says_only_what_is_not_usual(tmp_path):
    path = tmp_path / "plugins.json"
    opened(path).put("shout", Decision(digest="a"))
    assert json.loads(path.read_text(encoding="utf-8")) == {"version": 1, "plugins": {"shout": {"digest": "a"}}}
