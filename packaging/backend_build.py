"""Compiles one loadable module of llama.cpp from unpacked source, to fit the llama.cpp that is in the environment.

A module finds llama.cpp's `ggml-base` by its name in the process that loads it. Both come from the same source, and
what differs between the two builds (`GGML_BACKEND_DL`, instruction sets, OpenMP) is in no structure that they share.
"""

import hashlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import llama_source
from backend_recipes import Recipe, ToolsMissingError, machine_settings, missing_tools, tools_missing
from compiling import build_failure, expected_minutes
from failure import SetupError
from progress import Outcome, run_with_progress

_OFF = ("TESTS", "EXAMPLES", "TOOLS", "SERVER", "APP", "COMMON")
# What a person sets in CMAKE_ARGS comes before these, which must be as they are for a module to be loadable.
SETTINGS = (
    "-DCMAKE_BUILD_TYPE=Release",
    "-DBUILD_SHARED_LIBS=ON",
    "-DGGML_BACKEND_DL=ON",
    "-DGGML_NATIVE=OFF",
    "-DGGML_CCACHE=OFF",
    "-DGGML_METAL=OFF",
    *(f"-DLLAMA_BUILD_{part}=OFF" for part in _OFF),
    "-DCMAKE_BUILD_WITH_INSTALL_RPATH=ON",
    "-DCMAKE_INSTALL_RPATH_USE_LINK_PATH=ON",  # drivers' libraries may be in folders that no loader searches
)
_TOOLS_MISSING = re.compile(
    r"Could NOT find Vulkan|SPIRV-Headers|CUDA Toolkit not found|No CMAKE_CUDA_COMPILER|links to:\s+CUDA::\w+\s+but"
)
_OLD_HEADERS = re.compile(r"error.*(is not a member of .vk\b|no (member|type) named .* in namespace .vk\b)")
_CUDA_FOLDER = "/usr/local/cuda/bin"  # where NVIDIA's own packages put nvcc, off the PATH


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where a module is compiled, and with what.

    Attributes:
        cmake: the command that runs CMake.
        source: llama.cpp's.
        env: of the build.
    """

    cmake: Sequence[str]
    source: Path
    env: Mapping[str, str]


def build_environment(programs: Path, env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Environment of a build that finds Ninja in `programs`, and nvcc where NVIDIA puts it."""
    path = [str(programs), env.get("PATH", os.defpath)]
    return {**env, "PATH": os.pathsep.join(path if sys.platform == "win32" else [*path, _CUDA_FOLDER])}


def module_key(recipe: Recipe, version: str, env: Mapping[str, str] = os.environ) -> str:
    """Name that two modules share only if one can stand in for the other."""
    parts = [*SETTINGS, *runtime_path_settings(), *recipe.settings, *machine_settings(recipe), llama_source.PATCH]
    parts += [env.get("CMAKE_ARGS", ""), "".join(platform.libc_ver())]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return f"{version}-{platform.system().lower()}-{platform.machine().lower()}-{recipe.name}-{digest}"


def runtime_path_settings() -> list[str]:
    """Where a module looks for llama.cpp's own libraries: one folder up from where it is installed."""
    path = {"linux": "$ORIGIN/..", "darwin": "@loader_path/.."}.get(sys.platform)
    return [f"-DCMAKE_INSTALL_RPATH={path}"] if path else []


def configure_command(recipe: Recipe, workshop: Workshop, build: Path) -> list[str]:
    """The CMake command that prepares the build of a module in the folder `build`."""
    # Visual Studio, CMake's choice on Windows, finds its compiler by itself; Ninja would need it on the PATH.
    generator = [] if sys.platform == "win32" else ["-G", "Ninja"]
    command = [*workshop.cmake, "-S", str(workshop.source), "-B", str(build), *generator, *machine_settings(recipe)]
    chosen = shlex.split(workshop.env.get("CMAKE_ARGS", ""), posix=sys.platform != "win32")
    return [*command, *chosen, *SETTINGS, *runtime_path_settings(), *recipe.settings]


def build_command(recipe: Recipe, workshop: Workshop, build: Path) -> list[str]:
    """The CMake command that compiles a module and what it links to, and nothing else."""
    jobs = workshop.env.get("CMAKE_BUILD_PARALLEL_LEVEL") or str(os.cpu_count() or 1)
    target = ["--target", f"ggml-{recipe.name}"]
    return [*workshop.cmake, "--build", str(build), "--config", "Release", *target, "--parallel", jobs]


def build_module(recipe: Recipe, workshop: Workshop, target: Path, log: Path) -> Path:
    """Compile a module.

    Args:
        recipe: of the module.
        workshop: where and with what.
        target: folder that it is put into.
        log: what the last step printed.

    Returns:
        The module.

    Raises:
        ToolsMissingError: CMake did not find what the module is built with.
        SetupError: anything else failed.
    """
    duration = expected_minutes(os.cpu_count() or 1, recipe.minutes_of_work)
    print(f"  The {recipe.name} module of llama.cpp is compiled: once, {duration}.", flush=True)
    build = workshop.source.with_name(f"build-{recipe.name}")
    env = dict(workshop.env)
    for command, title in (
        (configure_command(recipe, workshop, build), f"configuring {recipe.name}"),
        (build_command(recipe, workshop, build), f"compiling {recipe.name}"),
    ):
        outcome = run_with_progress(command, title, log, env=env)
        if outcome.code != 0:
            raise module_failure(recipe, outcome, log)
    built = find_module(build, recipe.name)
    if built is None:
        raise SetupError(f"CMake built no {recipe.name} module.", f"All it printed is in {log}.")
    kept = target / built.name
    shutil.copyfile(built, kept)  # follows links: the name without a version is one
    strip(kept)
    shutil.rmtree(build, ignore_errors=True)
    return kept


def module_files(name: str) -> tuple[str, ...]:
    """What a module's file may be called, depending on the system."""
    return f"libggml-{name}.so", f"libggml-{name}.dylib", f"ggml-{name}.dll"


def find_module(build: Path, name: str) -> Path | None:
    """The module in a build folder, or None."""
    return next((path for file in module_files(name) for path in sorted((build / "bin").rglob(file))), None)


def strip(module: Path) -> None:
    """Remove what only a debugger reads, if there is a program for that; a module works with it, too."""
    program = shutil.which("strip")
    if sys.platform == "linux" and program:
        subprocess.run([program, "--strip-unneeded", str(module)], capture_output=True, check=False)


def module_failure(recipe: Recipe, outcome: Outcome, log: Path) -> SetupError:
    """Say why a module could not be built, from what CMake or the compiler printed."""
    if _TOOLS_MISSING.search(outcome.output):
        return tools_missing(recipe, missing_tools(recipe.tools) or recipe.tools)
    if recipe.name == "vulkan" and _OLD_HEADERS.search(outcome.output):
        cause = "The Vulkan headers on this machine are older than llama.cpp's source, and no patch for them fits."
        return ToolsMissingError(cause, f"Install newer ones (the Vulkan SDK brings them). {_all_in(log)}")
    return build_failure(outcome.output, log)


def _all_in(log: Path) -> str:
    return f"All that the compiler printed is in {log}."
