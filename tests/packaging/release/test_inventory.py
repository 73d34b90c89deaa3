"""What ships, and that nothing ships without a name and a licence."""

import shutil
import sys
import sysconfig
from pathlib import Path

import pytest
from failure import SetupError
from release.inventory import inventory

DEBIAN = bool(shutil.which("dpkg-query")) and sys.platform == "linux"


def test_every_tree_has_hearth_python_llama_the_bootloader_and_the_models(frozen, named):
    assert named() == {
        "Hearth": "MIT",
        "CPython": "PSF-2.0",
        "llama.cpp (of llama-cpp-python)": "MIT",
        "llama_cpp_python": "MIT",
        "PyInstaller": "GPL-2.0-or-later WITH Bootloader-exception",
        "model starter": "MIT",
    }
    parts = {part.name: part for part in inventory(frozen.tree, frozen.packages, "linux")}
    assert parts["CPython"].version == "3.11.7"
    assert [path.name for path in parts["llama.cpp (of llama-cpp-python)"].files] == ["libllama.so"]
    assert sorted(path.name for path in parts["model starter"].files) == ["starter.gguf", "starter.md"]
    assert parts["PyInstaller"].files == (frozen.tree / "hearth",)


def test_packages_are_followed_to_what_they_need_on_the_system(frozen, named):
    needs = 'Requires-Dist: colour; sys_platform == "win32"\nRequires-Dist: plain[more]\nRequires-Dist: missing'
    frozen.install("typer", metadata=needs)
    frozen.install("colour")
    frozen.install("plain", metadata='Provides-Extra: more\nRequires-Dist: extra; extra == "more"')
    frozen.install("extra")
    frozen.install("tool_of_somebody")
    on_linux, on_windows = named("linux"), named("windows")
    assert {"typer", "plain", "extra"} <= on_linux.keys()
    assert not {"colour", "tool_of_somebody", "missing"} & on_linux.keys()
    assert on_windows.keys() - on_linux.keys() >= {"colour", "mingw-w64 runtime", "zlib"}


def test_a_package_that_nobody_asks_for_is_listed_if_a_file_of_it_ships(frozen, named):
    frozen.install("fast", files=["fast/core.so", "fast.libs/libhelp-1234.so.5"])
    frozen.add("_internal/fast/core.so", b"x")
    assert named()["fast"] == "MIT"


def test_a_library_that_was_moved_to_the_top_belongs_to_its_package(frozen, named):
    frozen.install("fast", files=["fast.libs/libhelp-1234.so.5"])
    frozen.add("_internal/libhelp-1234.so.5", b"x")
    assert "fast" in named()


@pytest.mark.parametrize("place", ["_internal/libstranger.so.2", "_internal/deep/stranger.dll", "_internal/a/b.pyd"])
def test_a_library_of_nobody_is_an_error_that_names_it(frozen, named, place):
    frozen.add(place, b"x")
    with pytest.raises(SetupError, match=Path(place).name):
        named()


def test_a_package_without_a_text_or_a_name_of_its_licence_is_an_error_that_names_it(frozen, named):
    frozen.install("rich", text="")
    with pytest.raises(SetupError, match=r"rich 1\.0 brings no text"):
        named()


def test_a_package_that_names_no_licence_is_an_error(frozen, named):
    frozen.install("rich", licence="License: UNKNOWN")
    with pytest.raises(SetupError, match=r"rich 1\.0 names no licence"):
        named()


@pytest.mark.parametrize(
    ("licence", "name"),
    [
        ("License: BSD", "BSD"),
        ("Classifier: License :: OSI Approved :: MIT License", "MIT License"),
        (
            f"License: {'a whole text ' * 20}\nClassifier: License :: OSI Approved :: ISC License (ISCL)",
            "ISC License (ISCL)",
        ),
    ],
)
def test_a_licence_is_named_in_any_way_that_packages_do(frozen, named, licence, name):
    frozen.install("rich", licence=licence)
    assert named()["rich"] == name


@pytest.mark.parametrize("licence", ["GPL-3.0-or-later", "AGPL-3.0-only", "GPL-2.0-only OR GPL-3.0-only"])
def test_what_would_ask_its_licence_of_all_of_hearth_is_refused(frozen, named, licence):
    frozen.install("rich", licence=f"License-Expression: {licence}")
    with pytest.raises(SetupError, match="asked of all of Hearth"):
        named()


@pytest.mark.parametrize("licence", ["LGPL-3.0-only OR GPL-3.0-only", "GPL-3.0-or-later WITH GCC-exception-3.1"])
def test_what_asks_it_of_its_own_files_only_may_ship(frozen, named, licence):
    frozen.install("rich", licence=f"License-Expression: {licence}")
    assert named()["rich"] == licence


def test_the_runtime_of_microsoft_is_no_part_of_the_package_that_brings_it(frozen, named):
    frozen.install("fast", files=["fast/msvcp140.dll"])
    version = "ProductVersion\0\x0014.44.35211.0\0".encode("utf-16-le")
    frozen.add("_internal/msvcp140.dll", b"x" + version)
    frozen.add("_internal/libcrypto-3.dll", b"..OpenSSL 3.0.15 3 Sep 2024..")
    assert {"Microsoft Visual C++ runtime", "OpenSSL"} <= named("windows").keys()
    parts = {part.name: part for part in inventory(frozen.tree, frozen.packages, "windows")}
    assert parts["OpenSSL"].version == "3.0.15"
    assert parts["Microsoft Visual C++ runtime"].version == "14.44.35211.0"


@pytest.mark.skipif(not DEBIAN, reason="needs a system with Debian's packages")
def test_a_library_of_the_system_is_named_as_debian_does(frozen):
    frozen.add("_internal/libz.so.1", b"x")
    parts = {part.name: part for part in inventory(frozen.tree, frozen.packages, "linux")}
    assert parts["zlib1g"].licence == "Zlib"
    assert parts["zlib1g"].purl.startswith("pkg:deb/debian/zlib1g@")
    assert "Jean-loup Gailly" in parts["zlib1g"].texts[0][1]


@pytest.mark.skipif(not DEBIAN, reason="needs a system with Debian's packages")
def test_a_library_of_the_system_under_a_strong_licence_is_refused(frozen, named):
    pytest.importorskip("readline")
    if not list(Path("/usr/share/doc").glob("libreadline8*/copyright")):
        pytest.skip("readline is not installed")
    frozen.add("_internal/libreadline.so.8", b"x")
    with pytest.raises(SetupError, match=r"libreadline8\S* \(libreadline\.so\.8\) is under GPL"):
        named()


def test_everything_that_hearth_is_installed_with_names_its_licence(frozen):
    parts = inventory(frozen.tree, Path(sysconfig.get_path("purelib")), "linux")
    names = {part.name for part in parts}
    assert {"PySide6_Essentials", "shiboken6", "numpy", "tokenizers", "Jinja2"} <= names
    qt = next(part for part in parts if part.name == "PySide6_Essentials")
    assert "You may exchange" in qt.texts[0][1]
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in qt.texts[1][1]
