"""llama.cpp's Vulkan module for Windows, compiled on Linux with the headers and the shader compiler that Debian has."""

import hashlib
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import llama_source
from backend_build import SETTINGS, Workshop, build_environment
from backend_recipes import RECIPES, ToolsMissingError, ensure_tools
from build_cache import cache_folder, filling
from compiling import build_failure
from failure import SetupError
from llama_source import unpacked_source
from locking import locked
from progress import run_with_progress

MODULE: Final = "ggml-vulkan.dll"
_TOOLCHAIN: Final = Path(__file__).with_name("mingw.cmake")
_COMPAT: Final = Path(__file__).with_name("mingw_compat.h")
_SETTINGS: Final = (*SETTINGS, "-DGGML_VULKAN=ON", "-DGGML_CPU=OFF", "-DGGML_OPENMP=OFF")
_HEADERS: Final = ("vulkan", "vk_video", "spirv")
"""Copied out of `/usr/include`: the other headers there are Linux's, and may not be seen."""
_LINKED: Final = ("vkGetInstanceProcAddr", "vkGetDeviceProcAddr", "vkGetPhysicalDeviceFeatures2", "vkCmdCopyBuffer")
"""The functions that are linked to; the module asks the first ones for all others."""
_ENTRY: Final = "\n".join(["LIBRARY vulkan-1.dll", "EXPORTS", *_LINKED, ""])


def vulkan_key(version: str) -> str:
    """Name that two builds share only if one can stand in for the other."""
    parts = [*_SETTINGS, _ENTRY, llama_source.PATCH]
    parts += [file.read_text(encoding="utf-8") for file in (_TOOLCHAIN, _COMPAT)]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return f"{version}-windows-vulkan-{platform.machine().lower()}-{digest}"


def ensure_vulkan_module(python: Path, cmake: Path, version: str) -> Path | None:
    """The module: the kept one, or else compiled now; None, and said, where what it is built with cannot be had.

    Args:
        python: interpreter whose pip fetches the source.
        cmake: program; Ninja is beside it.
        version: of llama-cpp-python.

    Raises:
        SetupError: the compilation failed.
    """
    folder, key = cache_folder("portable"), vulkan_key(version)
    with locked(folder / f"{key}.lock", "  Another build is compiling the Vulkan module; waiting for it."):
        if not (folder / key).is_dir():
            try:
                ensure_tools(RECIPES["vulkan"], folder / f"{key}-tools.log")
            except ToolsMissingError as error:
                print(f"  {error.cause} Hearth for Windows is made without it. {error.remedy}", flush=True)
                return None
            _compile(python, cmake, version, folder, key)
    return folder / key / MODULE


def _compile(python: Path, cmake: Path, version: str, folder: Path, key: str) -> None:
    log, workplace = folder / f"{key}.log", folder / f"{key}.work"
    workplace.mkdir(exist_ok=True)
    with unpacked_source(python, version, workplace, log) as source, filling(folder, key) as partial:
        workshop = Workshop([str(cmake)], source, build_environment(cmake.parent))
        for command, title in _commands(workshop, source.with_name("build"), sdk_settings(source.with_name("sdk"))):
            outcome = run_with_progress(command, title, log, env=workshop.env)
            if outcome.code != 0:
                raise build_failure(outcome.output, log)
        shutil.copyfile(source.with_name("build") / "bin" / MODULE, partial / MODULE)
    shutil.rmtree(workplace, ignore_errors=True)


def _commands(workshop: Workshop, build: Path, sdk: Sequence[str]) -> list[tuple[list[str], str]]:
    configure = [*workshop.cmake, "-S", str(workshop.source), "-B", str(build), "-G", "Ninja", *_SETTINGS, *sdk]
    return [
        ([*configure, f"-DCMAKE_TOOLCHAIN_FILE={_TOOLCHAIN}"], "configuring Vulkan for windows"),
        ([*workshop.cmake, "--build", str(build), "--target", "ggml-vulkan"], "compiling Vulkan for windows"),
    ]


def sdk_settings(folder: Path) -> list[str]:
    """Make what a Vulkan SDK for Windows would bring, and say where it is, for CMake.

    Args:
        folder: that it goes to; made.

    Raises:
        SetupError: there is no `dlltool` of mingw-w64, or it failed.
    """
    folder.mkdir()
    for name in _HEADERS:
        shutil.copytree(Path("/usr/include") / name, folder / "include" / name)
    description, library = folder / "vulkan-1.def", folder / "libvulkan-1.a"
    description.write_text(_ENTRY, encoding="ascii")
    command = ["x86_64-w64-mingw32-dlltool", "-d", str(description), "-l", str(library)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        remedy = "Install it (Debian and Ubuntu: apt-get install binutils-mingw-w64-x86-64) and run it again."
        raise SetupError(f"mingw-w64's dlltool failed: {error}.", remedy) from error
    found = {"INCLUDE_DIR": folder / "include", "LIBRARY": library, "GLSLC_EXECUTABLE": shutil.which("glslc")}
    return [f"-DVulkan_{name}={path}" for name, path in found.items()]
