"""llama.cpp's libraries for any machine of a system: compiled once, kept in the cache, put into what is shipped.

Unlike the wheel of a checkout they are made for no processor in particular: every variant of the processor's backend is
a library of its own, and Hearth loads the best one that runs (`engine/backends/llama/variants.py`).
"""

import hashlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import llama_source
from backend_build import SETTINGS, Workshop, build_environment, strip
from build_cache import cache_folder, filling
from compiling import build_failure, expected_minutes
from failure import SetupError
from llama_source import unpacked_source
from locking import locked
from progress import run_with_progress

_TOOLCHAIN: Final = Path(__file__).with_name("mingw.cmake")
_COMPAT: Final = Path(__file__).with_name("mingw_compat.h")
_VARIANTS: Final = ("-DGGML_CPU_ALL_VARIANTS=ON",)
_MINUTES_OF_WORK: Final = 30  # measured on two cores
_TOO_NEW: Final = re.compile(r"^\s*ggml_add_cpu_backend_variant\(sapphirerapids\b.*$\n", re.MULTILINE)
"""The only variant whose assembler (AMX) Debian 12's compiler refuses; such processors run the next best one."""
_LIBRARY: Final = re.compile(r"^(lib)?(ggml|llama)[\w-]*\.(so|dylib|dll)$|^libggml(-base)?(\.so\.\d+|\.\d+\.dylib)$")
"""By the names that programs look for, and for those that others are linked to by the names that they have there."""


@dataclass(frozen=True, slots=True)
class Target:
    """A system that libraries are compiled for.

    Attributes:
        name: `linux`, `macos` or `windows`.
        settings: for CMake, beside those that all have.
        files: whose text the result depends on.
    """

    name: str
    settings: tuple[str, ...]
    files: tuple[Path, ...] = ()


def _for_windows() -> Target:
    """With Microsoft's compiler on Windows itself, elsewhere with mingw-w64."""
    # A compiler's OpenMP would be one library more; ggml has threads of its own.
    settings = (*_VARIANTS, "-DGGML_OPENMP=OFF")
    if sys.platform == "win32":
        return Target("windows", (*settings, "-DCMAKE_MSVC_RUNTIME_LIBRARY=MultiThreadedDLL"))
    return Target("windows", (*settings, f"-DCMAKE_TOOLCHAIN_FILE={_TOOLCHAIN}"), (_TOOLCHAIN, _COMPAT))


TARGETS: Final[Mapping[str, Target]] = {
    target.name: target
    for target in (
        Target("linux", (*_VARIANTS, "-DCMAKE_INSTALL_RPATH=$ORIGIN")),
        # Apple's processors differ little, and Metal comes first there.
        Target("macos", ("-DGGML_METAL=ON", "-DGGML_METAL_EMBED_LIBRARY=ON", "-DCMAKE_INSTALL_RPATH=@loader_path")),
        _for_windows(),
    )
}


def portable_key(target: Target, version: str) -> str:
    """Name that two builds share only if one can stand in for the other."""
    # Where the checkout is does not matter; what is in the file that this names does.
    settings = [setting for setting in target.settings if not setting.startswith("-DCMAKE_TOOLCHAIN_FILE=")]
    parts = [*SETTINGS, *settings, _TOO_NEW.pattern, llama_source.PATCH]
    parts += [file.read_text(encoding="utf-8") for file in target.files]
    parts += ["".join(platform.libc_ver())] if target.name == "linux" else []
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return f"{version}-{target.name}-{platform.machine().lower()}-{digest}"


def ensure_portable(target: Target, python: Path, cmake: Path, version: str) -> Path:
    """The folder with the libraries: the kept one, or else compiled now.

    Args:
        target: system that they are for.
        python: interpreter whose pip fetches the source.
        cmake: program; Ninja is beside it.
        version: of llama-cpp-python.

    Raises:
        SetupError: the compiler is missing, or the compilation failed.
    """
    folder = cache_folder("portable")
    key = portable_key(target, version)
    if (folder / key).is_dir():
        return folder / key
    with locked(folder / f"{key}.lock", "  Another build is compiling llama.cpp; waiting for it."):
        if not (folder / key).is_dir():
            _compile(target, python, cmake, version, folder, key)
    return folder / key


def _compile(target: Target, python: Path, cmake: Path, version: str, folder: Path, key: str) -> None:
    log = folder / f"{key}.log"
    is_crossing = target.name == "windows" and sys.platform != "win32"
    if is_crossing and shutil.which("x86_64-w64-mingw32-g++-posix") is None:
        remedy = "Install it (Debian and Ubuntu: apt-get install g++-mingw-w64-x86-64-posix) and run it again."
        raise SetupError("There is no compiler for Windows here.", remedy)
    duration = expected_minutes(os.cpu_count() or 1, _MINUTES_OF_WORK)
    print(f"  llama.cpp is compiled for any {target.name} machine: once, {duration}.", flush=True)
    workplace = folder / f"{key}.work"
    workplace.mkdir(exist_ok=True)
    with unpacked_source(python, version, workplace, log) as source, filling(folder, key) as partial:
        leave_out_too_new(source)
        workshop = Workshop([str(cmake)], source, build_environment(cmake.parent))
        build = source.with_name("build")
        for command, title in _commands(target, workshop, build):
            outcome = run_with_progress(command, title, log, env=workshop.env)
            if outcome.code != 0:
                raise build_failure(outcome.output, log)
        for library in built_libraries(build / "bin"):
            kept = partial / library.name
            shutil.copyfile(library, kept)  # follows links: the name without a version is one
            if target.name == "linux":
                strip(kept)
    shutil.rmtree(workplace, ignore_errors=True)


def _commands(target: Target, workshop: Workshop, build: Path) -> Sequence[tuple[list[str], str]]:
    configure = [*workshop.cmake, "-S", str(workshop.source), "-B", str(build), "-G", "Ninja", *SETTINGS]
    make = [*workshop.cmake, "--build", str(build), "--target", "ggml", "llama"]
    make += ["--parallel", str(os.cpu_count() or 1)]
    return [
        ([*configure, *target.settings], f"configuring for {target.name}"),
        (make, f"compiling for {target.name}"),
    ]


def leave_out_too_new(source: Path) -> bool:
    """Take the variant that Debian 12's compiler cannot build out of llama.cpp's list; return whether it was there."""
    file = source / "ggml" / "src" / "CMakeLists.txt"
    text = file.read_text(encoding="utf-8")
    changed = _TOO_NEW.sub("", text)
    file.write_text(changed, encoding="utf-8", newline="\n")
    return changed != text


def built_libraries(folder: Path) -> list[Path]:
    """The libraries in a build folder, by all names under which they are looked for."""
    return sorted(path for path in folder.rglob("*") if _LIBRARY.match(path.name))
