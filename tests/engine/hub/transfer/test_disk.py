"""Disks that are full, too small, or not to be written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import HubError
from engine.hub.transfer.disk import Room
from tests.engine.hub.bad_server import Bad, BadServer
from tests.engine.hub.transfer.downloading import MIB, Downloads, noise, quick
from tests.engine.hub.transfer.test_kills import start

NAME = "model.gguf"
DATA = noise(12 * MIB)


@pytest.fixture
def server():
    with BadServer({NAME: DATA}) as server:
        yield server


@pytest.fixture
def small_disk(tmp_path: Path):
    """A disk of 8 MiB, where this user may make one."""
    if sys.platform != "linux" or os.geteuid():
        pytest.skip("only root can mount a small disk, and only on Linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", disk], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_disk_without_room_is_said_before_the_first_byte(server: BadServer, tmp_path: Path):
    downloads = Downloads(tmp_path, quick(reserve_bytes=1 << 60))
    with pytest.raises(
        HubError, match=r"model\.gguf needs 12\.6 MB more on disk, but .* has .* GB free, with .* GB in reserve\."
    ):
        downloads.fetch(server.remote(NAME))
    assert server.requests == []
    assert not (tmp_path / "owner--model" / NAME).exists()


def test_room_is_not_promised_twice(tmp_path: Path):
    room = Room(0)
    free = shutil.disk_usage(tmp_path).free
    room.claim(1, tmp_path, int(free * 0.6), "one")
    with pytest.raises(HubError, match=r"GB free, with .* GB for other downloads\."):
        room.claim(2, tmp_path, int(free * 0.6), "two")
    room.left(1, free // 10)
    room.claim(2, tmp_path, int(free * 0.6), "two")
    room.release(1)
    room.release(2)
    room.claim(3, tmp_path, int(free * 0.9), "three")


@pytest.mark.parametrize("is_known", [True, False])
def test_a_disk_that_is_too_small_is_noticed_before_the_first_byte(is_known: bool, server: BadServer, small_disk: Path):
    remote = server.remote(NAME) if is_known else server.remote(NAME, size_bytes=0)
    with pytest.raises(HubError, match=r"needs 12\.6 MB more on disk, but .* has 8\.4 MB free"):
        Downloads(small_disk).fetch(remote)
    part = small_disk / "owner--model" / f"{NAME}.part"
    assert not part.exists() or not part.stat().st_size
    assert not is_known or server.requests == []


def test_a_disk_that_fills_up_keeps_what_there_is_and_goes_on(server: BadServer, small_disk: Path):
    server.is_linked = False
    server.script(Bad("says nothing"))
    downloads = Downloads(small_disk)
    with pytest.raises(HubError, match="The disk is full") as caught:
        downloads.fetch(server.remote(NAME, size_bytes=0))  # nobody could tell before
    assert caught.value.remedy == "Free space, then resume."
    part = small_disk / "owner--model" / f"{NAME}.part"
    there = part.stat().st_size
    assert there > 7 * MIB
    assert DATA.startswith(part.read_bytes())
    subprocess.run(["mount", "-o", "remount,size=32m", small_disk], check=True)
    server.served = 0
    assert downloads.fetch(server.remote(NAME, size_bytes=0)).read_bytes() == DATA
    assert server.served == len(DATA) - there


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_limit_of_the_file_size_is_said_in_a_sentence_and_what_came_is_kept(server: BadServer, tmp_path: Path):
    ended = start(server, tmp_path, str(5 * MIB)).communicate(timeout=60)[0]
    assert ended.startswith("failed The file system or a limit of the user does not allow a file this large in")
    part = tmp_path / "models" / "owner--model" / f"{NAME}.part"
    assert part.read_bytes() == DATA[: 5 * MIB]


@pytest.mark.skipif(sys.platform == "win32" or not os.geteuid(), reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_said_in_a_sentence(server: BadServer, tmp_path: Path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(HubError, match="Hearth may not write to"):
            Downloads(tmp_path / "models").fetch(server.remote(NAME))
    finally:
        tmp_path.chmod(0o700)


def test_a_file_where_a_folder_should_be_is_said_in_a_sentence(server: BadServer, tmp_path: Path):
    (tmp_path / "owner--model").write_bytes(b"in the way")
    with pytest.raises(HubError) as caught:
        Downloads(tmp_path).fetch(server.remote(NAME))
    assert "owner--model" in caught.value.cause
    assert caught.value.remedy
