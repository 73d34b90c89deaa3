"""The table of sizes."""

import pytest
from release.table import MB, print_table, rows_of, table_of, unpacked_bytes


def of_size(path, size):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)  # takes no room
    return path


@pytest.fixture
def made(tmp_path):
    dist = tmp_path / "dist"
    of_size(dist / "Hearth-1.0-setup.exe", 61_800_000)
    of_size(dist / "hearth_1.0_amd64.deb", 100_000_001)
    of_size(dist / "hearth-1.0-linux-x86_64.tar.xz", 76_400_000)
    of_size(dist / "hearth-1.0-linux.cdx.json", 1000)
    of_size(tmp_path / "linux" / "hearth", 1 * MB)
    of_size(tmp_path / "linux" / "_internal" / "lib.so", 278 * MB)
    return dist, {"linux": tmp_path / "linux", "windows": tmp_path / "windows"}


def test_a_row_says_what_is_met_and_what_is_not(made):
    lines = table_of(rows_of(made[0], "1.0", made[1])).splitlines()
    assert lines[1].split() == ["Hearth-1.0-setup.exe", "61.8", "MB", "<=", "90", "MB", "met", "-", "-"]
    assert lines[2].split() == [
        *["hearth-1.0-linux-x86_64.tar.xz", "76.4", "MB", "-"],
        *["279.0", "MB", "<=", "300", "MB", "met"],
    ]
    assert lines[3].split()[:7] == ["hearth_1.0_amd64.deb", "100.0", "MB", "<=", "100", "MB", "MISSED"]
    assert len({len(line) for line in lines}) == 1


def test_printing_tells_whether_all_targets_are_met(made, capsys):
    dist, trees = made
    assert not print_table(dist, "1.0", trees)
    of_size(dist / "hearth_1.0_amd64.deb", 75 * MB)
    assert print_table(dist, "1.0", trees)
    of_size(trees["linux"] / "_internal" / "more.so", 22 * MB)
    assert not print_table(dist, "1.0", trees)
    assert "301.0 MB" in capsys.readouterr().out


def test_what_is_linked_to_counts_once(tmp_path):
    of_size(tmp_path / "tree" / "lib.so.6", 5000)
    (tmp_path / "tree" / "lib.so").symlink_to("lib.so.6")
    assert unpacked_bytes(tmp_path / "tree") == 5000
