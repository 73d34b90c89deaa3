"""The modules of llama.cpp that can be built (one per kind of device), and what a build needs beside the compiler."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from failure import SetupError
from system_libraries import Library, apt_install, install_command, may_install


@dataclass(frozen=True, slots=True)
class Tool:
    """A program or file that a build needs, and the packages that bring it.

    Attributes:
        package: under `soname` what people call it.
        variable: environment variable that names the program where it is not on the PATH.
        program: on the PATH.
        file: pattern below a folder such as `/usr`; a file is as good as the program.
    """

    package: Library
    variable: str = ""
    program: str = ""
    file: str = ""

    def is_there(self, env: Mapping[str, str] = os.environ, folders: Iterable[Path] | None = None) -> bool:
        """Whether this machine has it.

        Args:
            env: of the build.
            folders: where files are looked for; None is where this system installs them.
        """
        if env.get(self.variable) or (self.program and shutil.which(self.program, path=env.get("PATH"))):
            return True
        searched = installation_folders(env) if folders is None else folders
        return bool(self.file) and any(True for folder in searched for _ in folder.glob(self.file))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one module is built.

    Attributes:
        name: of the module; llama.cpp's target is `ggml-<name>`.
        settings: for CMake.
        tools: what the build needs beside the compiler.
        packaged: whether package managers bring the tools; then apt may install them where we are root.
        advice: where the tools come from otherwise.
        minutes_of_work: how long it takes on one core.
    """

    name: str
    settings: tuple[str, ...]
    tools: tuple[Tool, ...] = ()
    packaged: bool = False
    advice: str = ""
    minutes_of_work: float = 1


class ToolsMissingError(SetupError):
    """What a module is built with is not here."""


GLSLC = Tool(Library("glslc", "glslc", "glslc", "shaderc"), program="glslc")
VULKAN = Tool(
    Library(
        "Vulkan's headers", "libvulkan-dev", "vulkan-headers vulkan-loader-devel", "vulkan-headers vulkan-icd-loader"
    ),
    file="include/vulkan/vulkan.hpp",
)
SPIRV = Tool(
    Library("SPIR-V's headers", "spirv-headers", "spirv-headers-devel", "spirv-headers"),
    file="include/spirv/unified1/spirv.hpp",
)
NVCC = Tool(
    Library("NVIDIA's CUDA toolkit (nvcc, cuBLAS)", "nvidia-cuda-toolkit", "cuda-toolkit", "cuda"),
    variable="CUDACXX",
    program="nvcc",
)
# Mesa's Vulkan driver for processors: with it the Vulkan module can be tried where there is no graphics card.
LAVAPIPE = Tool(
    Library("lavapipe", "mesa-vulkan-drivers", "mesa-vulkan-drivers", "vulkan-swrast"),
    file="share/vulkan/icd.d/lvp_icd*.json",
)
RECIPES: Mapping[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        # RDMA would be linked wherever its library happens to be, and the module would not load without it.
        Recipe("rpc", ("-DGGML_RPC=ON", "-DGGML_RPC_RDMA=OFF")),
        Recipe(
            "vulkan",
            ("-DGGML_VULKAN=ON",),
            (GLSLC, VULKAN, SPIRV),
            packaged=True,
            advice="Install the Vulkan SDK and run the command again.",
            minutes_of_work=6,
        ),
        Recipe(
            "cuda",
            ("-DGGML_CUDA=ON",),
            (NVCC,),
            advice="Install NVIDIA's CUDA toolkit, or name its compiler in CUDACXX, and run the command again.",
            minutes_of_work=60,  # a guess; it depends on how many kinds of graphics cards it is built for
        ),
    )
}
METAL = "metal"


def default_names() -> list[str]:
    """What is built where nothing is named; on macOS llama.cpp itself has Metal."""
    return ["rpc"] if sys.platform == "darwin" else ["rpc", "vulkan"]


def installation_folders(env: Mapping[str, str] = os.environ) -> list[Path]:
    """Where programs put their `include` and `share`; folders that a person names for a build come first."""
    named = [env.get("VULKAN_SDK", ""), *env.get("CMAKE_PREFIX_PATH", "").split(os.pathsep)]
    return [Path(name) for name in [*named, "/usr", "/usr/local", "/opt/homebrew"] if name]


def ensure_tools(recipe: Recipe, log: Path, env: Mapping[str, str] = os.environ) -> None:
    """Install the tools that are missing if we may.

    Raises:
        ToolsMissingError: some are still missing.
    """
    missing = missing_tools(recipe.tools, env)
    if missing and recipe.packaged:
        missing = _install(missing, f"installing what the {recipe.name} module is built with", log, env)
    if missing:
        raise tools_missing(recipe, missing)


def ensure_lavapipe(log: Path, env: Mapping[str, str] = os.environ) -> None:
    """Install Mesa's Vulkan driver for processors if we may.

    Raises:
        ToolsMissingError: it is not there.
    """
    missing = missing_tools([LAVAPIPE], env)
    if missing and _install(missing, "installing Vulkan for processors", log, env):
        linux = sys.platform == "linux"
        remedy = f"Install it: {install_command([LAVAPIPE.package])}" if linux else "There is none for this system."
        raise ToolsMissingError("There is no Vulkan for processors (lavapipe) here.", remedy)


def _install(missing: Sequence[Tool], title: str, log: Path, env: Mapping[str, str]) -> list[Tool]:
    """Install tools with apt if we may; return those that are still missing."""
    if not may_install():
        return list(missing)
    try:
        apt_install(sorted(tool.package.apt for tool in missing), title, log)
    except SetupError as error:
        raise ToolsMissingError(error.cause, error.remedy) from error
    return missing_tools(missing, env)


def missing_tools(tools: Sequence[Tool], env: Mapping[str, str] = os.environ) -> list[Tool]:
    """Which of the tools are not here."""
    return [tool for tool in tools if not tool.is_there(env)]


def tools_missing(recipe: Recipe, missing: Sequence[Tool]) -> ToolsMissingError:
    """Say what a module needs, and how to get it here."""
    names = ", ".join(tool.package.soname for tool in missing)
    remedy = recipe.advice
    if recipe.packaged and sys.platform == "linux":
        remedy = f"Install what is missing: {install_command(tool.package for tool in missing)}"
    return ToolsMissingError(f"The {recipe.name} module cannot be built without {names}.", remedy)


def machine_settings(recipe: Recipe, ask: Callable[[], str] | None = None) -> list[str]:
    """Settings that depend on the machine: CUDA's kernels are built for the graphics cards that are here, if any.

    Compiling them for every card that exists takes far longer.

    Args:
        recipe: of the module.
        ask: prints what the cards can do, such as "8.6", a line each; None asks NVIDIA's driver.
    """
    if recipe.name != "cuda":
        return []
    kinds = sorted({line.strip().replace(".", "") for line in (ask or compute_capabilities)().splitlines()})
    known = [kind for kind in kinds if kind.isdigit()]
    return [f"-DCMAKE_CUDA_ARCHITECTURES={';'.join(known)}"] if known else []


@cache
def compute_capabilities() -> str:
    """What NVIDIA's driver says about the graphics cards, a line each; empty without a driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    command = [program, "--query-gpu=compute_cap", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
