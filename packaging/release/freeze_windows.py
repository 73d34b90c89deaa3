"""Makes the frozen program for Windows on Linux: PyInstaller runs under Wine, with Python for Windows.

python packaging/release/freeze_windows.py    the tree in build/release/windows/hearth
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also when this file is the program

import backend_modules
from environment import pip_install, venv_program
from failure import SetupError, exit_code
from llama_wheel import pinned_version
from mingw_vulkan import ensure_vulkan_module
from portable_llama import TARGETS, ensure_portable
from progress import run_with_progress

from release.freeze import put_llama, site_packages, write_build_information
from release.icons import write_ico
from release.plan import ROOT, WORK, project_version, source_epoch
from release.windows_python import ensure_python
from release.windows_version import version_resource
from release.windows_wheels import ensure_wheels, unpack_wheels
from release.wine import Wine, windows_path
from release.wine_root import ensure_stand_ins, prefix_folder

TREE: Final = WORK / "windows" / "hearth"
PROGRAMS: Final = ("hearth.exe", "hearth-window.exe")
_RUNTIME: Final = ("msvcp140.dll", "msvcp140_1.dll", "vcruntime140.dll", "vcruntime140_1.dll")
"""Microsoft's C++ library, which a fresh Windows lacks; Qt's copies are newer than those that Python brings."""
_WINE_MARK: Final = b"Wine builtin DLL"


def freeze_windows(venv: Path) -> Path:
    """Make the frozen tree.

    Args:
        venv: the environment of the checkout, from which pip and llama-cpp-python's Python files are taken.

    Returns:
        The folder `build/release/windows/hearth`.

    Raises:
        SetupError: something is missing, or PyInstaller failed.
    """
    work = TREE.parent
    work.mkdir(parents=True, exist_ok=True)
    python = windows_environment(venv, work)
    with Wine(prefix_folder("freezing")) as wine:
        _run_pyinstaller(wine, python, work)
        put_runtime(site_packages(python), TREE)
        write_build_information(TREE / "_internal" / "resources" / "build.json", site_packages(python))
        _compile_plain(wine, python, work)
    refuse_strangers(TREE, ensure_stand_ins())
    return TREE


def windows_environment(venv: Path, work: Path) -> Path:
    """Python for Windows with all that ships and the freezer; made anew when one of its parts has changed."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    place = backend_modules.place_of(ROOT, venv)
    pip_install(venv_program(venv, "python"), place.build_tools, "installing CMake and Ninja", work / "tools.log")
    tools = venv_program(venv, "python"), venv_program(venv, "cmake")
    libraries = ensure_portable(TARGETS["windows"], *tools, pinned_version(text))
    vulkan = ensure_vulkan_module(*tools, pinned_version(text))
    base, wheels = ensure_python(), ensure_wheels(text)
    target = work / "python"
    stamp = target / "made-from.txt"
    kept = [base, wheels, libraries, *((vulkan.parent,) if vulkan else ())]
    parts = "\n".join([*(folder.name for folder in kept), project_version()])
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != parts:
        print("  putting Python for Windows and its packages together", flush=True)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(base, target)
        packages = target / "Lib" / "site-packages"
        unpack_wheels(wheels, packages)
        put_llama(site_packages(venv), libraries, packages)
        if vulkan:
            modules = packages / "llama_cpp" / "lib" / "backends"
            modules.mkdir()
            shutil.copy2(vulkan, modules / vulkan.name)
        describe_hearth(packages, project_version())
        stamp.write_text(parts, encoding="utf-8")
    return target


def describe(work: Path) -> dict[str, Path]:
    """Make what Windows shows of the programs: their icon and version.

    Args:
        work: folder that the files go to.

    Returns:
        By the variables that the spec asks for.

    Raises:
        SetupError: Windows knows no such version.
    """
    icon, version = work / "hearth.ico", work / "version.txt"
    write_ico(icon)
    version.write_text(version_resource(project_version()), encoding="utf-8")
    return {"HEARTH_ICON": icon, "HEARTH_VERSION_RESOURCE": version}


def describe_hearth(packages: Path, version: str) -> None:
    """Note Hearth's version among packages, as an installation of it would; its code is taken from the checkout."""
    info = packages / f"hearth-{version}.dist-info"
    info.mkdir()
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: hearth\nVersion: {version}\n", encoding="ascii")


def _run_pyinstaller(wine: Wine, python: Path, work: Path) -> None:
    shutil.rmtree(TREE, ignore_errors=True)
    # What an earlier run found is not believed: it knows nothing of files that came or went since.
    shutil.rmtree(work / "pyinstaller", ignore_errors=True)
    arguments = ["--noconfirm", "--distpath", windows_path(work)]
    arguments += ["--workpath", windows_path(work / "pyinstaller")]
    variables = {
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "SOURCE_DATE_EPOCH": str(source_epoch()),
        **{name: windows_path(path) for name, path in describe(work).items()},
    }
    spec = windows_path(ROOT / "packaging" / "hearth.spec")
    program = windows_path(python / "python.exe")
    command = wine.windows_command([program, "-m", "PyInstaller", *arguments, spec], variables)
    log = work / "pyinstaller.log"
    outcome = run_with_progress(command, "freezing for Windows", log)
    missing = [name for name in PROGRAMS if not (TREE / name).is_file()]
    if outcome.code != 0 or missing:
        last = outcome.output.strip().splitlines()[-1:] or ["it said nothing"]
        raise SetupError(f"PyInstaller failed: {last[0]}.", f"All it printed is in {log}.")


def put_runtime(packages: Path, tree: Path) -> None:
    """Put the C++ library where every library of the program finds it, whichever is loaded first.

    Args:
        packages: that have Qt with its copies.
        tree: the frozen program.
    """
    for name in _RUNTIME:
        found = [path for path in _programs(tree) if path.name.lower() == name]
        if not any(path.parent == tree / "_internal" for path in found):
            found.append(tree / "_internal" / name)
        for place in found:
            shutil.copyfile(packages / "PySide6" / name, place)


def _compile_plain(wine: Wine, python: Path, work: Path) -> None:
    """Compile plugins and resources: the folder of an installed program may be one that nobody writes to."""
    folders = [windows_path(TREE / "_internal" / name) for name in ("plugins", "resources")]
    command = [windows_path(python / "python.exe"), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
    done = wine.run([*command, "-s", windows_path(TREE / "_internal"), *folders], timeout_s=300)
    if done.returncode != 0:
        (work / "compile.log").write_bytes(done.stdout + done.stderr)
        raise SetupError("Hearth's plugins could not be compiled.", f"See {work / 'compile.log'}.")


def refuse_strangers(tree: Path, stand_ins: Path) -> None:
    """Refuse a program that something of Wine's, or made for it, got into.

    Args:
        tree: the frozen program.
        stand_ins: libraries that are put into Wine's system folder.

    Raises:
        SetupError: it did.
    """
    names = {path.name.lower() for path in stand_ins.glob("*.dll")}
    bad = [path for path in _programs(tree) if path.name.lower() in names or _is_wines(path)]
    if bad:
        listed = ", ".join(str(path.relative_to(tree)) for path in bad)
        remedy = "Exclude them in packaging/release/contents.py."
        raise SetupError(f"Files of Wine's are in the program for Windows: {listed}.", remedy)


def _programs(tree: Path) -> Iterator[Path]:
    for path in sorted(tree.rglob("*")):
        if path.suffix.lower() in {".dll", ".exe", ".pyd", ".drv"}:
            yield path


def _is_wines(path: Path) -> bool:
    with path.open("rb") as file:
        return _WINE_MARK in file.read(4096)  # it is in the header of what Wine builds


def main() -> int:
    """Freeze; returns the exit code."""
    return exit_code(lambda: freeze_windows(ROOT / ".venv"))


if __name__ == "__main__":
    sys.exit(main())
