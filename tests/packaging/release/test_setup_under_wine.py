"""A tiny Setup, run on a Windows of Wine's: what it changes, refuses, and takes back."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from build_cache import cache_folder
from PIL import Image
from release.nsis import make_setup
from release.smoke_steps import setup_log
from release.smoke_windows import snapshot
from release.wine import Wine, windows_path

PROGRAM = "#include <windows.h>\nint main(int count, char **words) { if (count > 1) Sleep(60000); return 0; }\n"
PLACE = "C:\\Prögramme mit Raum\\Héarth"
LONG_PATH = ";".join(f"%USERPROFILE%\\folder {number}\\{'x' * 80}" for number in range(60))
ENVIRONMENT = "HKCU\\Environment"

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def setups(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Setups of two versions of a program that does nothing, or sleeps."""
    compiler = shutil.which("x86_64-w64-mingw32-gcc-posix")
    has_root = "HEARTH_WINE_ROOT" in os.environ or (cache_folder("windows") / "debian-trixie").is_dir()
    if compiler is None or shutil.which("makensis") is None or not has_root or os.geteuid() != 0:
        pytest.skip("mingw-w64, NSIS or Wine is not here, or this is not root")
    folder = tmp_path_factory.mktemp("setup")
    tree, source, icon = folder / "hearth", folder / "program.c", folder / "hearth.ico"
    (tree / "_internal").mkdir(parents=True)
    (tree / "_internal" / "data.txt").write_text("data", encoding="utf-8")
    source.write_text(PROGRAM, encoding="ascii")
    subprocess.run([compiler, "-O1", "-s", "-static", "-o", str(tree / "hearth.exe"), str(source)], check=True)
    shutil.copyfile(tree / "hearth.exe", tree / "hearth-window.exe")
    Image.new("RGBA", (32, 32), "red").save(icon)
    return {version: make_setup(tree, icon, version, folder, is_quick=True) for version in ("1.0.0", "1.0.1")}


@pytest.fixture(scope="module")
def wine(setups: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wine]:
    """A fresh Windows."""
    with Wine(tmp_path_factory.mktemp("wine") / "prefix", [setups["1.0.0"].parent]) as wine:
        yield wine


def run(wine: Wine, setup: Path, arguments: str = "") -> int:
    return wine.run(["cmd", "/c", f"{windows_path(setup)} /S {arguments}".rstrip()]).returncode


def ask(wine: Wine, key: str, *more: str) -> str:
    return wine.run(["reg", "query", key, *more]).stdout.decode("utf-8", "replace")


def wait_for_uninstaller(wine: Wine) -> None:
    until_s = time.monotonic() + 60
    while "Done." not in setup_log(wine) and time.monotonic() < until_s:
        time.sleep(0.5)


def test_a_life_of_an_installation(wine: Wine, setups: dict[str, Path]) -> None:
    add = ["reg", "add", ENVIRONMENT, "/v", "Path", "/t", "REG_EXPAND_SZ", "/d", LONG_PATH, "/f"]
    assert wine.run(add).returncode == 0
    wine.run(["reg", "add", "HKCU\\Software\\Classes\\.onnx", "/ve", "/d", "Somebody.Else", "/f"])
    before, path_before = snapshot(wine), ask(wine, ENVIRONMENT)
    place = wine.prefix / "drive_c" / Path(*PLACE.split("\\")[1:])

    assert run(wine, setups["1.0.0"], f"/DESKTOP=1 /D={PLACE}") == 0, setup_log(wine)
    assert (place / "_internal" / "data.txt").read_text(encoding="utf-8") == "data"
    path = ask(wine, ENVIRONMENT)
    assert LONG_PATH in path
    assert len(path) > len(path_before)
    assert "REG_EXPAND_SZ" in path
    assert "Hearth.Model" in ask(wine, "HKCU\\Software\\Classes\\.gguf", "/ve")
    assert "Somebody.Else" in ask(wine, "HKCU\\Software\\Classes\\.onnx", "/ve")

    (place / "_internal" / "old.txt").write_text("of an older version", encoding="utf-8")
    (place / "hearth-data").mkdir()
    (place / "hearth-data" / "chats.db").write_text("mine", encoding="utf-8")
    assert run(wine, setups["1.0.1"]) == 0, setup_log(wine)
    assert not (place / "_internal" / "old.txt").exists()
    assert ask(wine, ENVIRONMENT) == path  # once is enough

    assert run(wine, setups["1.0.0"]) == 2
    assert "newer" in setup_log(wine)

    running = wine.start([f"{PLACE}\\hearth.exe", "sleep"])
    time.sleep(3)
    assert run(wine, setups["1.0.1"]) == 3
    assert "running" in setup_log(wine)
    wine.run(["taskkill", "/f", "/im", "hearth.exe"])
    running.communicate(timeout=30)

    wine.run([f"{PLACE}\\uninstall.exe", "/S"])
    wait_for_uninstaller(wine)
    assert [path.name for path in place.rglob("*") if path.is_file()] == ["chats.db"]
    assert ask(wine, ENVIRONMENT) == path_before
    after = snapshot(wine)
    ours = [entry for entry in after.entries - before.entries if "hearth" in entry.lower()]
    assert ours == []
    assert "Somebody.Else" in ask(wine, "HKCU\\Software\\Classes\\.onnx", "/ve")


def test_a_folder_with_another_program_is_left_alone(wine: Wine, setups: dict[str, Path]) -> None:
    other = wine.prefix / "drive_c" / "other"
    (other / "_internal").mkdir(parents=True)
    (other / "_internal" / "theirs.dll").write_bytes(b"theirs")

    assert run(wine, setups["1.0.0"], "/D=C:\\other") == 4

    assert [path.name for path in other.rglob("*") if path.is_file()] == ["theirs.dll"]
