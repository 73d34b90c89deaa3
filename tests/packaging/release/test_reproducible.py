"""Equal sources give equal archives."""

import os
import py_compile
import subprocess
import sys
from pathlib import Path

import pytest
from release.reproducible import normalise, sorted_files

TIMED = py_compile.PycInvalidationMode.TIMESTAMP
UNTIMED = py_compile.PycInvalidationMode.UNCHECKED_HASH
EPOCH = 1_790_000_000
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="modes and tar are those of POSIX")


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(EPOCH))
    return make_tree(tmp_path / "tree", ["b.txt", "a/c.txt", "a.txt", "Z.txt"])


def make_tree(folder: Path, names: list[str]) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, encoding="utf-8")
    (folder / "a" / "module.py").write_text("x = 1", encoding="utf-8")
    py_compile.compile(str(folder / "a" / "module.py"), invalidation_mode=TIMED)
    (folder / "a" / "program").write_text("run", encoding="utf-8")
    (folder / "a" / "program").chmod(0o700)
    (folder / "b.txt").chmod(0o600)
    return folder


def test_files_come_in_the_order_of_their_bytes(tree):
    normalise(tree)
    names = [path.relative_to(tree).as_posix() for path in sorted_files(tree)]
    assert names == ["Z.txt", "a.txt", "a/c.txt", "a/module.py", "a/program", "b.txt"]


def test_what_is_compiled_for_any_time_stays(tree):
    (tree / "b").mkdir()
    (tree / "b" / "kept.py").write_text("y = 1", encoding="utf-8")
    compiled = py_compile.compile(str(tree / "b" / "kept.py"), invalidation_mode=UNTIMED)
    normalise(tree)
    assert Path(compiled).is_file()
    assert not (tree / "a" / "__pycache__").exists()


def test_everything_bears_the_time_of_the_source(tree):
    normalise(tree)
    times = {path.stat().st_mtime for path in (tree, tree / "a", *sorted_files(tree))}
    assert times == {EPOCH}


@posix_only
def test_modes_are_plain_and_programs_stay_programs(tree):
    normalise(tree)
    modes = {name: (tree / name).stat().st_mode & 0o777 for name in ("a", "a/program", "a.txt", "b.txt")}
    assert modes == {"a": 0o755, "a/program": 0o755, "a.txt": 0o644, "b.txt": 0o644}


@posix_only
def test_links_are_not_followed(tree, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept.txt").write_text("kept", encoding="utf-8")
    os.utime(outside / "kept.txt", (1, 1))
    (tree / "link").symlink_to(outside)
    (tree / "dangling").symlink_to("nowhere")
    normalise(tree)
    assert (outside / "kept.txt").stat().st_mtime == 1
    assert (tree / "dangling").lstat().st_mtime == EPOCH
    assert tree / "link" in sorted_files(tree)
    assert tree / "link" / "kept.txt" not in sorted_files(tree)


@posix_only
def test_two_trees_made_apart_give_the_same_archive(tree, tmp_path):
    other = make_tree(tmp_path / "other", ["Z.txt", "a.txt", "a/c.txt", "b.txt"])
    archives = []
    for folder in (tree, other):
        normalise(folder)
        names = [str(path.relative_to(folder)) for path in sorted_files(folder)]
        command = ["tar", "--numeric-owner", "--owner=0", "--group=0", "-C", folder, "-cf", "-", *names]
        archives.append(subprocess.run(command, capture_output=True, check=True).stdout)
    assert archives[0] == archives[1]
