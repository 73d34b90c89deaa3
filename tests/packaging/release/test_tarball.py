import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from release.tarball import libraries_of_the_system, make_tarball, oldest_glibc

if sys.platform != "linux":
    pytest.skip("packages for Linux are made and tried on Linux", allow_module_level=True)

DATA = "share/applications/hearth.desktop"


pytestmark = pytest.mark.skipif(shutil.which("xz") is None, reason="xz is not installed")


@pytest.fixture
def archive(tiny_tree: Path, tmp_path: Path) -> Path:
    return make_tarball(tiny_tree, tmp_path / "dist", tmp_path / "work", "0.1.0")


def test_what_is_in_it(archive: Path):
    assert archive.name.startswith("hearth-0.1.0-linux-")
    with tarfile.open(archive) as opened:
        entries = {entry.name: entry for entry in opened}
    assert entries["hearth-0.1.0/hearth"].mode == 0o755
    assert entries["hearth-0.1.0/install.sh"].mode == 0o755
    assert entries["hearth-0.1.0/_internal/libtiny.so.1"].mode == 0o644
    assert entries["hearth-0.1.0/_internal/libtiny.so"].issym()
    assert {entry.uid for entry in entries.values()} == {0}
    assert len({entry.mtime for entry in entries.values()}) == 1
    assert f"hearth-0.1.0/{DATA}" in entries


def test_two_builds_are_the_same_bytes(archive: Path, tiny_tree: Path, tmp_path: Path):
    (tiny_tree / "hearth").touch()
    again = make_tarball(tiny_tree, tmp_path / "again", tmp_path / "work", "0.1.0")
    assert again.read_bytes() == archive.read_bytes()


def test_the_readme_names_what_the_program_does_not_bring(archive: Path, tiny_tree: Path):
    with tarfile.open(archive) as opened:
        file = opened.extractfile("hearth-0.1.0/README.txt")
        assert file is not None
        said = file.read().decode()
    assert "@" not in said
    assert "libxcb-cursor0" in said
    (tiny_tree / "_internal" / "libxcb-cursor.so.0").touch()
    assert "libxcb-cursor.so.0" not in {library.soname for library in libraries_of_the_system(tiny_tree)}


def test_the_newest_name_of_the_c_library_counts(tiny_tree: Path):
    assert oldest_glibc(tiny_tree) == "2.34"


# What the scripts of the archive do, in a home with letters that shells and desktop entries treat as their own.


@pytest.fixture
def home(archive: Path, tmp_path: Path) -> Path:
    home = tmp_path / 'Hür & $x "y" 100%'
    home.mkdir()
    subprocess.run(["tar", "-xf", str(archive), "-C", str(home)], check=True)
    return home


def run(script: Path, home: Path) -> subprocess.CompletedProcess[str]:
    tools = home / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "id").write_text("#!/bin/sh\necho 1000\n", encoding="utf-8")  # tests may run as root
    (tools / "id").chmod(0o755)
    env = {"HOME": str(home), "PATH": f"{tools}:{os.environ['PATH']}"}
    return subprocess.run(["sh", script], env=env, capture_output=True, text=True, check=False)


def test_installing_for_one_person_and_removing_it(home: Path):
    result = run(home / "hearth-0.1.0" / "install.sh", home)
    assert result.returncode == 0, result.stderr
    place = home / ".local" / "opt" / "hearth"
    called = subprocess.run([home / ".local" / "bin" / "hearth"], capture_output=True, text=True, check=True)
    assert called.stdout == "Hearth 0.1.0\n"
    entry = (home / ".local" / DATA).read_text(encoding="utf-8")
    quoted = str(place / "hearth").replace("$", "\\\\$").replace('"', '\\\\"').replace("%", "%%")
    assert f'Exec="{quoted}" --window %F\n' in entry
    assert f"TryExec={place / 'hearth'}\n" in entry
    data = home / ".local" / "share" / "hearth" / "mine"
    data.parent.mkdir()
    data.touch()
    result = run(place / "uninstall.sh", home)
    assert result.returncode == 0, result.stderr
    left = [path for path in (home / ".local").rglob("*") if path.is_file() or path.is_symlink()]
    assert [path for path in left if "cache" not in path.name and path.parent.name != "mime"] == [data]


def test_installing_again_keeps_what_is_beside_the_program(home: Path):
    run(home / "hearth-0.1.0" / "install.sh", home)
    place = home / ".local" / "opt" / "hearth"
    (place / "hearth-data").mkdir()
    (place / "_internal" / "of-an-older-version").touch()
    assert run(home / "hearth-0.1.0" / "install.sh", home).returncode == 0
    assert (place / "hearth-data").is_dir()
    assert not (place / "_internal" / "of-an-older-version").exists()
    assert not place.with_name("hearth.old").exists()
    assert "hearth-data" in run(place / "uninstall.sh", home).stdout
    assert [path.name for path in place.iterdir()] == ["hearth-data"]


def test_a_folder_of_somebody_else_is_left_alone(home: Path):
    mine = home / ".local" / "opt" / "hearth" / "mine"
    mine.parent.mkdir(parents=True)
    mine.touch()
    result = run(home / "hearth-0.1.0" / "install.sh", home)
    assert result.returncode == 1
    assert "is no Hearth" in result.stderr
    assert mine.exists()


def test_a_program_of_that_name_is_not_replaced(home: Path):
    mine = home / ".local" / "bin" / "hearth"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine", encoding="utf-8")
    result = run(home / "hearth-0.1.0" / "install.sh", home)
    assert result.returncode == 0
    assert "stays" in result.stdout
    assert mine.read_text(encoding="utf-8") == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused")
@pytest.mark.parametrize("script", ["install.sh", "uninstall.sh"])
def test_root_is_refused(home: Path, script: str):
    env = {"HOME": str(home), "PATH": os.environ["PATH"]}
    command = ["sh", home / "hearth-0.1.0" / script]
    result = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "not as root" in result.stderr
    assert not (home / ".local").exists()
