import subprocess
from pathlib import Path

import pytest
from release.deb import debian_version, make_deb
from release.deb_needs import Needs

pytestmark = pytest.mark.skipif(not Path("/usr/bin/dpkg-deb").exists(), reason="dpkg-deb is Debian's")

NEEDS = Needs(("libc6 (>= 2.34)", "libgl1"), ("libvulkan1",))


@pytest.fixture
def package(tiny_tree: Path, tmp_path: Path) -> Path:
    return make_deb(tiny_tree, tmp_path / "dist", tmp_path / "work", "0.1.0", NEEDS)


def listed(package: Path) -> list[str]:
    """Rights, owner and name of everything in a package."""
    out = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True).stdout
    return [" ".join([line.split()[0], line.split()[1], *line.split()[5:]]) for line in out.splitlines()]


def test_what_is_in_it_where(package: Path):
    assert package.name.startswith("hearth_0.1.0_")
    entries = listed(package)
    assert "-rwxr-xr-x root/root ./usr/lib/hearth/hearth" in entries
    assert "-rw-r--r-- root/root ./usr/lib/hearth/_internal/libtiny.so.1" in entries
    assert "lrwxrwxrwx root/root ./usr/bin/hearth -> ../lib/hearth/hearth" in entries
    assert any(entry.endswith("./usr/share/applications/hearth.desktop") for entry in entries)
    assert any(entry.endswith("./usr/share/doc/hearth/copyright") for entry in entries)
    assert any(entry.endswith("./usr/share/man/man1/hearth.1.gz") for entry in entries)


def test_nothing_runs_when_it_is_installed(package: Path, tmp_path: Path):
    subprocess.run(["dpkg-deb", "--control", package, tmp_path / "control"], check=True)
    assert sorted(path.name for path in (tmp_path / "control").iterdir()) == ["control", "md5sums"]
    sums = (tmp_path / "control" / "md5sums").read_text(encoding="utf-8")
    assert "usr/lib/hearth/hearth\n" in sums


def test_control_says_what_it_needs(package: Path):
    said = subprocess.run(["dpkg-deb", "--field", package], capture_output=True, text=True, check=True).stdout
    assert "Depends: libc6 (>= 2.34), libgl1\n" in said
    assert "Recommends: libvulkan1\n" in said
    assert "@" not in said


def test_two_builds_are_the_same_bytes(package: Path, tiny_tree: Path, tmp_path: Path):
    (tiny_tree / "hearth").touch()  # another time
    (tiny_tree / "_internal").chmod(0o700)  # another umask
    again = make_deb(tiny_tree, tmp_path / "again", tmp_path / "work", "0.1.0", NEEDS)
    assert again.read_bytes() == package.read_bytes()


def test_the_program_that_is_packed_stays_as_it_is(tiny_tree: Path, tmp_path: Path):
    library = tiny_tree / "_internal" / "libtiny.so.1"
    mode = library.stat().st_mode
    make_deb(tiny_tree, tmp_path / "dist", tmp_path / "work", "0.1.0", NEEDS)
    assert library.stat().st_mode == mode
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("version", "ordered"), [("0.1.0", "0.1.0"), ("0.2.0rc1", "0.2.0~rc1"), ("0.2.0.dev3", "0.2.0~dev3")]
)
def test_versions_before_a_release_are_ordered_before_it(version: str, ordered: str):
    assert debian_version(version) == ordered
