"""The modules of llama.cpp in the environment: put there from the cache, compiled first where they are not kept.

They are in `llama_cpp/lib/backends`, the only folder that Hearth loads modules from. They vanish with the environment
and come back with it.
"""

import argparse
import errno
import json
import os
import shutil
import sys
import sysconfig
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from backend_build import Workshop, build_environment, build_module, module_files, module_key
from backend_recipes import METAL, RECIPES, ToolsMissingError, default_names, ensure_lavapipe, ensure_tools
from build_cache import cache_folder, filling
from compiling import disk_full, ensure_compiler
from environment import pip_install, venv_program
from failure import SetupError
from llama_source import unpacked_source
from llama_wheel import pinned_version
from locking import locked

RECORD = "made-for.json"


@dataclass(frozen=True, slots=True)
class Record:
    """What is in a folder of modules.

    Attributes:
        version: of the llama-cpp-python that they fit.
        modules: file name -> key of the build.
    """

    version: str = ""
    modules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """An environment that modules are put into, and where they are kept.

    Attributes:
        venv: the environment; llama-cpp-python is in it.
        version: of that llama-cpp-python.
        build_tools: requirements of the programs that compile modules.
        env: `CMAKE_ARGS` is passed on to the build.
    """

    venv: Path
    version: str
    build_tools: Sequence[str]
    env: Mapping[str, str]

    @property
    def folder(self) -> Path:
        """Where modules go to; there is none before llama-cpp-python is installed."""
        variables = {"base": str(self.venv), "platbase": str(self.venv)}
        return Path(sysconfig.get_path("platlib", "venv", variables)) / "llama_cpp" / "lib" / "backends"

    @property
    def cache(self) -> Path:
        """Where they are kept for other environments."""
        return cache_folder("backends", self.env)

    def key(self, name: str) -> str:
        """Key of a module that fits this place."""
        return module_key(RECIPES[name], self.version, self.env)

    def kept(self, name: str) -> Path | None:
        """The module in the cache, or None."""
        files = (self.cache / self.key(name) / file for file in module_files(name))
        return next((path for path in files if path.exists()), None)

    def has(self, name: str) -> bool:
        """Whether the module is in the environment, as it would be built now."""
        record = read_record(self.folder)
        here = [file for file in module_files(name) if (self.folder / file).exists()]
        return record.version == self.version and any(record.modules.get(file) == self.key(name) for file in here)


def place_of(root: Path, venv: Path, env: Mapping[str, str] = os.environ) -> Place:
    """The environment of a checkout, as its pyproject.toml describes it."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    extras = tomllib.loads(text)["project"].get("optional-dependencies", {})
    return Place(venv, pinned_version(text), extras.get("backends", []), env)


def read_record(folder: Path) -> Record:
    """What is in a folder of modules; an empty record if that is not known."""
    try:
        record = Record(**json.loads((folder / RECORD).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Record()
    return record if isinstance(record.version, str) and isinstance(record.modules, dict) else Record()


def restore_modules(place: Place) -> None:
    """Remove modules that fit another version of llama-cpp-python, and put back all that are kept for this one."""
    remove_outdated(place)
    if place.folder.parent.exists():
        _put(place, [name for name in RECIPES if not place.has(name)])


def remove_outdated(place: Place) -> None:
    """Remove the folder of modules if they fit another version of llama-cpp-python, or none that is known."""
    if place.folder.exists() and read_record(place.folder).version != place.version:
        with _telling_why("The modules for another llama.cpp could not be removed"):
            shutil.rmtree(place.folder)


def ensure_modules(place: Place, names: Sequence[str], *, required: bool) -> list[str]:
    """Put modules into the environment; those that are not kept are compiled. Quick if all are there.

    Args:
        place: where to.
        names: of the modules.
        required: whether missing tools are an error, or a reason to leave a module out and say so.

    Returns:
        Names of the modules that were not there before.

    Raises:
        SetupError: something else is missing, or the compilation failed.
    """
    wanted = [name for name in dict.fromkeys(names) if not place.has(name)]
    if not wanted:
        return []
    remove_outdated(place)
    try:
        if not all(place.kept(name) for name in wanted):
            _compile(place, wanted, required=required)
    finally:
        _put(place, wanted)
    return [name for name in wanted if place.has(name)]


def _compile(place: Place, wanted: Sequence[str], *, required: bool) -> None:
    place.cache.mkdir(parents=True, exist_ok=True)
    python, cmake = venv_program(place.venv, "python"), venv_program(place.venv, "cmake")
    env = build_environment(cmake.parent, place.env)
    with locked(place.cache / "build.lock", "  Another set-up is compiling modules of llama.cpp; waiting for it."):
        names = []
        for name in [name for name in wanted if place.kept(name) is None]:
            with _leaving_out(required=required):
                ensure_tools(RECIPES[name], place.cache / f"{name}-tools.log", env)
                names.append(name)
        if not names:
            return
        log = place.cache / "source.log"
        ensure_compiler(log, place.env)
        pip_install(python, place.build_tools, "installing CMake and Ninja", log)
        with unpacked_source(python, place.version, place.cache, log) as source:
            workshop = Workshop([str(cmake)], source, env)
            for name in names:
                key = place.key(name)
                with _leaving_out(required=required), filling(place.cache, key) as target:
                    build_module(RECIPES[name], workshop, target, place.cache / f"{key}.log")


@contextmanager
def _leaving_out(*, required: bool) -> Iterator[None]:
    """Say what is missing and go on, unless it is required."""
    try:
        yield
    except ToolsMissingError as error:
        if required:
            raise
        print(f"  {error.cause} Hearth works without it. {error.remedy}", flush=True)


def _put(place: Place, names: Sequence[str]) -> None:
    for name in names:
        if kept := place.kept(name):
            put_module(kept, place.key(name), place.folder, place.version)


def put_module(module: Path, key: str, folder: Path, version: str) -> None:
    """Copy a module into the folder that Hearth loads from, and note it there.

    A program that has the old module open goes on with that.

    Raises:
        SetupError: the disk is full, the old module cannot be replaced, or llama-cpp-python is not installed.
    """
    before = read_record(folder)
    modules = {**before.modules, module.name: key} if before.version == version else {module.name: key}
    with _telling_why(f"The module {module.name} could not be installed"):
        folder.mkdir(exist_ok=True)
        partial = folder / f".{module.name}.partial"  # a name that nothing loads
        shutil.copyfile(module, partial)
        partial.replace(folder / module.name)
        partial = folder / f".{RECORD}.partial"
        partial.write_text(json.dumps(asdict(Record(version, modules)), indent=2), encoding="utf-8")
        partial.replace(folder / RECORD)


@contextmanager
def _telling_why(what: str) -> Iterator[None]:
    """Turn an error of the file system into a sentence; on Windows a module that is loaded cannot be replaced."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise disk_full() from error
        raise SetupError(f"{what}: {error.strerror or error}.", "Close Hearth and run the command again.") from error


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asks for: names of modules (none: what suits the system), and whether to install lavapipe."""

    names: Sequence[str]
    with_lavapipe: bool


def read_request(arguments: Sequence[str]) -> Request:
    """Read the arguments of the command; wrong ones end the program with 2."""
    parser = argparse.ArgumentParser(prog="bootstrap.py backends", description="Compile modules of llama.cpp.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(RECIPES)}; none: what suits this system")
    parser.add_argument(
        "--with-lavapipe",
        action="store_true",
        help="also install Vulkan for processors, to try the vulkan module without a graphics card",
    )
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in {*RECIPES, METAL}]
    if unknown:
        parser.error(f"there is no module {unknown[0]}; there are {', '.join(RECIPES)}")
    return Request(chosen.names, chosen.with_lavapipe)


def fulfil(request: Request, place: Place) -> list[str]:
    """Do what a person asks for.

    Returns:
        Names of the modules that are there now, of those that were asked for.

    Raises:
        SetupError: a module that was named cannot be built, or something else failed.
    """
    required = bool(request.names)
    names = without_metal(list(request.names) or default_names())
    if request.with_lavapipe:
        place.cache.mkdir(parents=True, exist_ok=True)
        with _leaving_out(required=required):
            ensure_lavapipe(place.cache / "lavapipe.log")
    ensure_modules(place, names, required=required)
    return [name for name in names if place.has(name)]


def without_metal(names: Sequence[str], system: str = sys.platform) -> list[str]:
    """Leave Metal out, because llama.cpp has it built in on macOS.

    Raises:
        SetupError: it is asked for on another system.
    """
    if METAL not in names:
        return list(names)
    if system != "darwin":
        raise SetupError("Metal is part of macOS.", "Build the module vulkan or cuda on this system.")
    print("  Metal needs no module: it is in llama.cpp on macOS.", flush=True)
    return [name for name in names if name != METAL]
