import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import system_libraries as libraries
from failure import SetupError

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="other systems bring all that Qt needs")
ABSENT = libraries.Library("libhearth-absent.so.9", "hearth-absent9", "hearth-absent", "hearth-absent-git")
# What every Linux with a C++ runtime has, so nobody has to install it.
BASE = re.compile(r"lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s|z|resolv|util)\.so|ld-linux")


def only(*programs: str):
    return lambda name: f"/usr/bin/{name}" if name in programs else None


@linux_only
def test_libraries_are_tried_not_looked_up():
    assert libraries.loads("libc.so.6")
    assert not libraries.loads(ABSENT.soname)
    assert libraries.missing_libraries([libraries.Library("libc.so.6", "libc6", "glibc", "glibc"), ABSENT]) == [ABSENT]


@linux_only
def test_requiring_an_absent_library_names_it_and_the_remedy():
    with pytest.raises(SetupError, match=r"The window needs .*libhearth-absent\.so\.9.*hearth-absent"):
        libraries.require([ABSENT], "The window")


@pytest.mark.parametrize(
    ("programs", "command"),
    [
        (["apt-get"], "sudo apt-get install -y --no-install-recommends hearth-absent9 libegl1"),
        (["dnf"], "sudo dnf install -y hearth-absent libglvnd-egl"),
        (["pacman"], "sudo pacman -S --needed hearth-absent-git libglvnd"),
        ([], "your package manager, for libEGL.so.1 libhearth-absent.so.9"),
    ],
)
def test_command_suits_the_package_manager(programs: list[str], command: str):
    assert libraries.install_command([libraries.QT[0], ABSENT], which=only(*programs)) == command


def test_a_package_is_named_once():
    glib = [library for library in libraries.QT if library.apt == "libglib2.0-0"]
    assert len(glib) == 2
    assert libraries.install_command(glib, which=only("apt-get")).count("libglib2.0-0") == 1


def test_without_apt_nothing_is_installed():
    assert not libraries.may_install(which=only("dnf"))


def test_fonts_are_looked_for_in_folders(tmp_path: Path):
    assert not libraries.has_fonts([str(tmp_path), str(tmp_path / "absent")])
    (tmp_path / "inter").mkdir()
    (tmp_path / "inter" / "README.txt").touch()
    assert not libraries.has_fonts([str(tmp_path)])
    (tmp_path / "inter" / "Inter.OTF").touch()
    assert libraries.has_fonts([str(tmp_path)])


@linux_only
@pytest.mark.parametrize(
    ("env", "display", "plugin"),
    [
        ({}, False, libraries.X11),
        ({"DISPLAY": ":0"}, True, libraries.X11),
        ({"DISPLAY": "", "QT_QPA_PLATFORM": "offscreen"}, True, libraries.X11),
        ({"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0"}, True, libraries.WAYLAND),
    ],
)
def test_window_libraries_suit_the_desktop(env: dict[str, str], display: bool, plugin: tuple[libraries.Library, ...]):
    assert libraries.has_display(env) is display
    assert libraries.window_libraries(env) == libraries.QT + plugin


@linux_only
def test_list_covers_what_qt_links_to():
    objdump = shutil.which("objdump")
    if objdump is None:
        pytest.skip("objdump (binutils) is not installed")
    pyside = Path(importlib.util.find_spec("PySide6").origin).parent
    shiboken = Path(importlib.util.find_spec("shiboken6").origin).parent
    bundled = {path.name for folder in (pyside, shiboken) for path in folder.rglob("*.so*")}
    ends = [pyside / f"Qt{name}.abi3.so" for name in ("Core", "Gui", "Widgets", "Svg")]
    for kind in ("iconengines", "xcbglintegrations", "wayland-shell-integration"):
        ends += pyside.glob(f"Qt/plugins/{kind}/*.so")
    ends += [pyside / "Qt" / "plugins" / "platforms" / f"libq{name}.so" for name in ("offscreen", "xcb", "wayland")]
    assert [path for path in ends if not path.exists()] == []
    listed = {library.soname for library in libraries.EVERYTHING}
    needed = needed_from_system(objdump, ends, bundled, pyside / "Qt" / "lib")
    assert {name for name in needed if not BASE.match(name)} - listed == set()
    assert "libEGL.so.1" in needed


def needed_from_system(objdump: str, ends: list[Path], bundled: set[str], folder: Path) -> set[str]:
    """What these libraries, and the bundled ones that they link to, want from the system."""
    seen: set[Path] = set()
    needed: set[str] = set()
    waiting = list(ends)
    while waiting:
        path = waiting.pop()
        if path in seen or not path.exists():
            continue
        seen.add(path)
        headers = subprocess.run([objdump, "-p", str(path)], capture_output=True, text=True, check=True).stdout
        names = re.findall(r"NEEDED\s+(\S+)", headers)
        needed |= {name for name in names if name not in bundled}
        waiting += [folder / name for name in names if name in bundled]
    return needed
