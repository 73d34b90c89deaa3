import shutil
import subprocess
from pathlib import Path

import pytest
from release.run_paths import keep_relative, relative_places


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("$ORIGIN", "$ORIGIN"),
        ("$ORIGIN/../lib:$ORIGIN", "$ORIGIN/../lib:$ORIGIN"),
        ("/home/builder/python/lib", "$ORIGIN"),
        ("/home/builder/lib:$ORIGIN/../lib:relative", "$ORIGIN/../lib"),
        ("/lib", ""),
    ],
)
def test_only_what_is_beside_is_searched(before: str, after: str):
    assert relative_places(before) == after
    assert len(after) <= len(before)


@pytest.mark.skipif(shutil.which("gcc") is None or shutil.which("readelf") is None, reason="there is no compiler")
def test_a_library_forgets_where_it_was_built(tmp_path: Path):
    source = tmp_path / "one.c"
    source.write_text("int one(void) { return 1; }\n", encoding="utf-8")
    for name, place in (("built.so", "/home/builder/python/lib"), ("good.so.1", "$ORIGIN")):
        command = ["gcc", "-shared", "-o", tmp_path / name, source, f"-Wl,-rpath,{place}"]
        subprocess.run(command, check=True)
    good = (tmp_path / "good.so.1").read_bytes()
    assert keep_relative(tmp_path) == [tmp_path / "built.so"]
    said = subprocess.run(["readelf", "-d", tmp_path / "built.so"], capture_output=True, text=True, check=True).stdout
    assert "[$ORIGIN]" in said
    assert b"/home/builder" not in (tmp_path / "built.so").read_bytes()
    assert (tmp_path / "good.so.1").read_bytes() == good
    assert keep_relative(tmp_path) == []


def test_a_tree_without_libraries_is_left_alone(tmp_path: Path):
    assert keep_relative(tmp_path) == []
