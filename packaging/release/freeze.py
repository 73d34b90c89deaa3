"""Makes the frozen program on the system that it is for: an environment of its own, PyInstaller, build information.

python packaging/release/freeze.py    the tree in build/release/linux/hearth (or macos)
"""

import compileall
import json
import os
import py_compile
import shutil
import sys
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # also when this file is the program

import backend_modules
from backend_build import strip
from environment import make_venv, pip_install, venv_program
from failure import SetupError, exit_code
from llama_wheel import pinned_version
from portable_llama import TARGETS, ensure_portable
from progress import run_with_progress

from release.icu import shrink
from release.plan import ROOT, WORK, commit, project_version, source_epoch
from release.run_paths import keep_relative

SPEC: Final = ROOT / "packaging" / "hearth.spec"
_SYSTEMS: Final = {"linux": "linux", "darwin": "macos", "win32": "windows"}
_LLAMA: Final = "llama_cpp"
_NOT_LLAMAS: Final = shutil.ignore_patterns(
    "lib", "__pycache__", "server", "direct_url.json"
)  # the last: paths of here


def this_system() -> str:
    """The name of this system in a release: `linux`, `macos` or `windows`.

    Raises:
        SetupError: Hearth is not made for it.
    """
    if sys.platform not in _SYSTEMS:
        raise SetupError(f"Hearth is not made for {sys.platform}.", "Use Linux, Windows or macOS.")
    return _SYSTEMS[sys.platform]


def freeze(venv: Path) -> Path:
    """Make the frozen tree of this system.

    Args:
        venv: the environment of the checkout, from which pip and llama-cpp-python's Python files are taken.

    Returns:
        The folder `build/release/<system>/hearth`.

    Raises:
        SetupError: something is missing, or PyInstaller failed.
    """
    system = this_system()
    work = WORK / system
    work.mkdir(parents=True, exist_ok=True)
    environment = freezing_environment(venv, work)
    run_pyinstaller([str(venv_program(environment, "python"))], work)
    tree = work / "hearth"
    complete(tree, site_packages(environment))
    return tree


def freezing_environment(venv: Path, work: Path) -> Path:
    """An environment with what ships and PyInstaller, and nothing else; made anew when pyproject.toml has changed."""
    target = work / "venv"
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    version = pinned_version(text)
    stamp = target / "made-from.toml"
    log = work / "environment.log"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != text:
        make_venv(target)
        python = venv_program(target, "python")
        pip_install(python, requirements(text), "installing what ships", log)
        pip_install(python, ["--no-deps", "--no-build-isolation", str(ROOT)], "installing Hearth", log)
        stamp.write_text(text, encoding="utf-8")
    place = backend_modules.place_of(ROOT, venv)
    pip_install(venv_program(venv, "python"), place.build_tools, "installing CMake and Ninja", log)
    libraries = ensure_portable(
        TARGETS[this_system()], venv_program(venv, "python"), venv_program(venv, "cmake"), version
    )
    put_llama(site_packages(venv), libraries, site_packages(target))
    _put_modules(venv, target)
    return target


def requirements(pyproject: str) -> list[str]:
    """What the environment is made of, out of the text of pyproject.toml; llama-cpp-python is put into it otherwise."""
    project = tomllib.loads(pyproject)["project"]
    ships = [line for line in project["dependencies"] if not line.startswith("llama-cpp-python")]
    return [*ships, *project["optional-dependencies"]["package"], "setuptools>=77"]


def put_llama(source: Path, libraries: Path, target: Path) -> None:
    """Put llama-cpp-python into an environment: its Python files from another one, its libraries from a portable build.

    Args:
        source: site-packages with llama-cpp-python.
        libraries: folder of the portable build.
        target: site-packages that it goes to.
    """
    for part in [_LLAMA, *(path.name for path in source.glob("llama_cpp_python-*.dist-info"))]:
        shutil.rmtree(target / part, ignore_errors=True)
        shutil.copytree(source / part, target / part, ignore=_NOT_LLAMAS)
    # On Linux ggml's base is looked for by the name that others are linked to, and nobody asks for the plain one.
    plain = "libggml-base.so" if (libraries / "libggml-base.so.0").exists() else ""
    shutil.copytree(libraries, target / _LLAMA / "lib", ignore=shutil.ignore_patterns(plain))


def _put_modules(venv: Path, target: Path) -> None:
    """Put the loadable modules for graphics cards beside llama.cpp, as far as they can be built here."""
    place = backend_modules.place_of(ROOT, venv)
    backend_modules.ensure_modules(place, ["rpc", "vulkan"], required=False)
    folder = site_packages(target) / _LLAMA / "lib" / "backends"
    folder.mkdir(exist_ok=True)
    for path in sorted(place.folder.glob("*ggml-*")):
        shutil.copy2(path, folder / path.name)


def site_packages(venv: Path) -> Path:
    """The folder of an environment that packages are installed into."""
    found = [venv / "Lib" / "site-packages", *venv.glob("lib/python3.*/site-packages")]
    return next(path for path in found if path.is_dir())


def run_pyinstaller(python: Sequence[str], work: Path, env: Mapping[str, str] | None = None) -> None:
    """Run PyInstaller over the spec; the tree is `work/hearth`, made anew.

    Args:
        python: command of the interpreter that it is in.
        work: folder of this system.
        env: more variables for the spec.

    Raises:
        SetupError: it failed.
    """
    shutil.rmtree(work / "hearth", ignore_errors=True)
    command = [*python, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    command += ["--distpath", str(work), "--workpath", str(work / "pyinstaller"), str(SPEC)]
    log = work / "pyinstaller.log"
    variables = {**os.environ, "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": str(source_epoch()), **(env or {})}
    outcome = run_with_progress(command, "freezing", log, env=variables)
    if outcome.code != 0:
        last = outcome.output.strip().splitlines()[-1:] or ["it said nothing"]
        raise SetupError(f"PyInstaller failed: {last[0]}.", f"All it printed is in {log}.")


def complete(tree: Path, packages: Path) -> None:
    """Add to a frozen tree what PyInstaller does not know of: build information, and compiled plugins.

    Args:
        tree: the folder with the program.
        packages: site-packages that it was made from.
    """
    contents = tree / "_internal"
    write_build_information(contents / "resources" / "build.json", packages)
    compile_plain(contents)
    if sys.platform == "linux":
        slim(contents, tree.with_name("tools.log"))


def slim(contents: Path, log: Path) -> None:
    """Take out of a tree for Linux what only a debugger reads, ICU's names in every language, and folders of here.

    Libraries that were moved into packages (`*.libs`) have been patched, and `strip` may break those; Qt's have none.
    """
    for path in sorted(contents.rglob("*.so*")):
        is_patched = path.parent.suffix == ".libs" or "Qt" in path.parts
        if not is_patched and not path.is_symlink():
            strip(path)
    for path in contents.glob("PySide6/Qt/lib/libicudata.so.*"):
        shrink(path, log)
    keep_relative(contents)


def write_build_information(path: Path, packages: Path) -> None:
    """Say what this build is, for About, `hearth --version` and reports."""
    llama = next(packages.glob("llama_cpp_python-*.dist-info")).name.removesuffix(".dist-info").partition("-")[2]
    built = datetime.fromtimestamp(source_epoch(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {
        "version": project_version(),
        "commit": commit(),
        "built": built,
        "llama_cpp": llama,
        "update_url": os.environ.get("HEARTH_UPDATE_URL", ""),
    }
    path.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")


def compile_plain(contents: Path) -> None:
    """Compile the plain files, since the folder of an installed program cannot be written to by whoever runs it."""
    for package in ("plugins", "resources"):
        compileall.compile_dir(
            contents / package,
            quiet=1,
            stripdir=str(contents),
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )


def main() -> int:
    """Freeze for this system; returns the exit code."""
    return exit_code(lambda: freeze(ROOT / ".venv"))


if __name__ == "__main__":
    sys.exit(main())
