"""The digest stands for every name and every byte of a plugin, and for nothing else."""

import os
import socket
from pathlib import Path

import pytest

from engine.errors import PluginRefusedError
from engine.plugins import digest
from engine.plugins.digest import tree_digest

posix = pytest.mark.skipif(os.name == "nt", reason="needs rights that most users of Windows lack")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shout"
    (made / "data").mkdir(parents=True)
    (made / "plugin.toml").write_text("id = 'shout'")
    (made / "__init__.py").write_text("def register(registrar): ...")
    (made / "data" / "words.txt").write_bytes(b"\0\1\2")
    return made


def test_it_depends_on_content_alone(folder: Path, tmp_path: Path):
    before = tree_digest(folder)
    assert len(before) == 64
    os.utime(folder / "plugin.toml", (1, 1))
    assert tree_digest(folder) == before
    assert tree_digest(folder.rename(tmp_path / "elsewhere")) == before


def test_every_changed_byte_is_seen(folder: Path):
    seen = {tree_digest(folder)}
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        data = path.read_bytes()
        for at in range(len(data)):
            path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
            seen.add(tree_digest(folder))
        path.write_bytes(data)
    assert len(seen) == 1 + sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_names_moves_and_borders_are_seen(folder: Path):
    seen = {tree_digest(folder)}
    (folder / "new.py").touch()
    seen.add(tree_digest(folder))
    (folder / "new.py").rename(folder / "data" / "new.py")
    seen.add(tree_digest(folder))
    (folder / "data" / "new.py").rename(folder / "data" / "old.py")
    seen.add(tree_digest(folder))
    # The same bytes in the same order, but another border between the two files.
    (folder / "a").write_bytes(b"12")
    (folder / "b").write_bytes(b"3")
    seen.add(tree_digest(folder))
    (folder / "a").write_bytes(b"1")
    (folder / "b").write_bytes(b"23")
    seen.add(tree_digest(folder))
    assert len(seen) == 6


def test_pythons_caches_are_left_out(folder: Path):
    before = tree_digest(folder)
    (folder / "data" / "__pycache__").mkdir()
    (folder / "data" / "__pycache__" / "words.cpython-311.pyc").write_bytes(b"made")
    assert tree_digest(folder) == before


@posix
@pytest.mark.parametrize("kind", ["link to a file", "link to a folder", "pipe", "socket"])
def test_what_is_neither_file_nor_folder_is_refused(kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)  # names of sockets must be short
    if kind == "pipe":
        os.mkfifo("odd")
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind("odd")
    else:
        (folder / "odd").symlink_to("/etc" if kind == "link to a folder" else "/etc/hostname")
    with pytest.raises(PluginRefusedError, match="'odd' in it is neither a file nor a folder"):
        tree_digest(folder)


def test_bounds(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(digest, "MAX_ENTRIES", 4)  # three files and a folder
    tree_digest(folder)
    (folder / "one").touch()
    with pytest.raises(PluginRefusedError, match="more than 4 files and folders"):
        tree_digest(folder)
    monkeypatch.undo()
    monkeypatch.setattr(digest, "MAX_BYTES", sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))
    tree_digest(folder)
    (folder / "one").write_bytes(b"1")
    with pytest.raises(PluginRefusedError, match="larger than"):
        tree_digest(folder)


def test_depth(folder: Path):
    deep = folder.joinpath(*["d"] * digest.MAX_DEPTH)
    deep.mkdir(parents=True)
    with pytest.raises(PluginRefusedError, match="nested more than 20 deep"):
        tree_digest(folder)


def test_a_missing_folder_is_refused(tmp_path: Path):
    with pytest.raises(PluginRefusedError, match="cannot be read"):
        tree_digest(tmp_path / "gone")
