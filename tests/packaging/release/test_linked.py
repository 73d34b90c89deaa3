"""Libraries that ship on Linux: those that something links to, and the system has not."""

import subprocess
from pathlib import Path

import pytest
from release.linked import Entry, linked_only, needed_names


@pytest.fixture
def libraries(tmp_path: Path) -> Path:
    """A chain of real libraries: `module.so` -> `libnear.so.1` -> `libfar.so.1`, and `libalone.so.1`."""
    source = tmp_path / "empty.c"
    source.write_text("int answer(void) { return 42; }\n")
    for name, linked in (
        ("libfar.so.1", ()),
        ("libalone.so.1", ()),
        ("libX11.so.6", ()),
        ("libnear.so.1", ("libfar.so.1", "libX11.so.6")),
        ("module.so", ("libnear.so.1",)),
    ):
        command = ["gcc", "-shared", "-Wl,--no-as-needed", f"-Wl,-soname,{name}", "-o", str(tmp_path / name)]
        subprocess.run([*command, str(source), *(str(tmp_path / other) for other in linked)], check=True)
    return tmp_path


def entry(folder: Path, place: str, kind: str = "BINARY") -> Entry:
    return place, str(folder / Path(place).name), kind


def test_what_is_linked_to_is_read_from_the_files(libraries: Path) -> None:
    near, module = str(libraries / "libnear.so.1"), str(libraries / "module.so")
    needs = needed_names([near, module])
    assert {"libfar.so.1", "libX11.so.6"} <= set(needs[near])
    assert "libnear.so.1" in needs[module]
    assert "libnear.so.1" in needed_names([module])[module]  # readelf names no file where it is given one


def test_a_chain_stays_and_the_rest_goes(libraries: Path) -> None:
    entries = [
        entry(libraries, "package/module.so", "EXTENSION"),
        *(entry(libraries, name) for name in ("libnear.so.1", "libfar.so.1", "libalone.so.1", "libX11.so.6")),
    ]
    kept = [place for place, _, _ in linked_only(entries)]
    assert kept == ["package/module.so", "libnear.so.1", "libfar.so.1"]


def test_a_library_of_qt_stays_with_the_link_that_leads_to_it(libraries: Path) -> None:
    entries = [
        entry(libraries, "package/module.so", "EXTENSION"),
        ("libnear.so.1", "PySide6/Qt/lib/libnear.so.1", "SYMLINK"),
        entry(libraries, "PySide6/Qt/lib/libnear.so.1"),
        entry(libraries, "PySide6/Qt/lib/libalone.so.1"),
        entry(libraries, "libfar.so.1"),
    ]
    kept = [place for place, _, _ in linked_only(entries)]
    assert kept == ["package/module.so", "libnear.so.1", "PySide6/Qt/lib/libnear.so.1", "libfar.so.1"]


def test_a_package_keeps_its_own_libraries(libraries: Path) -> None:
    own = entry(libraries, "numpy.libs/libalone.so.1")
    assert linked_only([own]) == [own]
