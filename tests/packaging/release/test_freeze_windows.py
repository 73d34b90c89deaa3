"""What is done to a program for Windows once it is frozen."""

import importlib.metadata
from pathlib import Path

import pytest
from failure import SetupError
from release.freeze_windows import describe_hearth, put_runtime, refuse_strangers


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A frozen program of a few bytes."""
    tree = tmp_path / "hearth"
    (tree / "_internal" / "PySide6").mkdir(parents=True)
    (tree / "hearth.exe").write_bytes(b"MZ")
    return tree


def stand_ins(folder: Path) -> Path:
    """The libraries that Wine lacks."""
    (folder / "wine").mkdir()
    (folder / "wine" / "ucrtbase.dll").write_bytes(b"MZ")
    return folder / "wine"


def test_a_clean_program_is_accepted(tree: Path, tmp_path: Path) -> None:
    refuse_strangers(tree, stand_ins(tmp_path))


def test_a_library_that_wine_has_built_is_refused(tree: Path, tmp_path: Path) -> None:
    (tree / "_internal" / "VERSION.DLL").write_bytes(b"MZ" + bytes(62) + b"Wine builtin DLL")

    with pytest.raises(SetupError, match=r"VERSION\.DLL"):
        refuse_strangers(tree, stand_ins(tmp_path))


def test_a_library_that_only_stands_in_is_refused(tree: Path, tmp_path: Path) -> None:
    (tree / "_internal" / "PySide6" / "UCRTBASE.dll").write_bytes(b"MZ")

    with pytest.raises(SetupError, match="UCRTBASE"):
        refuse_strangers(tree, stand_ins(tmp_path))


def test_there_is_one_version_of_the_cpp_library(tree: Path, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    (packages / "PySide6").mkdir(parents=True)
    for name in ("msvcp140.dll", "msvcp140_1.dll", "vcruntime140.dll", "vcruntime140_1.dll"):
        (packages / "PySide6" / name).write_bytes(b"new")
    (tree / "_internal" / "PySide6" / "MSVCP140.dll").write_bytes(b"old")
    (tree / "_internal" / "VCRUNTIME140.dll").write_bytes(b"old")

    put_runtime(packages, tree)

    found = [path for path in tree.rglob("*") if path.name.lower().startswith(("msvcp", "vcruntime"))]
    assert {path.read_bytes() for path in found} == {b"new"}
    names = {path.name.lower() for path in (tree / "_internal").iterdir()}
    assert {"msvcp140.dll", "msvcp140_1.dll", "vcruntime140.dll", "vcruntime140_1.dll"} <= names
    assert len([path for path in (tree / "_internal").iterdir() if path.name.lower() == "vcruntime140.dll"]) == 1


def test_hearth_knows_its_version(tmp_path: Path) -> None:
    describe_hearth(tmp_path, "1.2.3")

    found = next(iter(importlib.metadata.distributions(path=[str(tmp_path)])))
    assert (found.name, found.version) == ("hearth", "1.2.3")
