"""The C++ compiler: whether there is one, how to get one, how long it takes, and why it failed."""

import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import system_libraries
from failure import SetupError

PACKAGE = "llama-cpp-python"
_COMPILERS = ("c++", "g++", "clang++")
_INTERESTING = re.compile(r"error|fatal|not found|could not|cannot|no space|killed", re.IGNORECASE)
_NO_COMPILER = re.compile(
    r"No CMAKE_C(XX)?_COMPILER|CMAKE_C(XX)?_COMPILER.*(not set|not found|not a full path)", re.IGNORECASE
)
_NO_NETWORK = re.compile(
    r"Could not find a version|NewConnectionError|ConnectionError|Temporary failure in name|timed out"
)


def has_compiler(env: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a C++ compiler, asked before a long download; Windows keeps its off the PATH, so it counts."""
    path = env.get("PATH")
    return sys.platform == "win32" or bool(env.get("CXX")) or any(shutil.which(name, path=path) for name in _COMPILERS)


def ensure_compiler(log: Path, env: Mapping[str, str] = os.environ) -> None:
    """Install a C++ compiler where there is none and we may.

    Raises:
        SetupError: there is none.
    """
    if not has_compiler(env) and system_libraries.may_install():
        system_libraries.apt_install(["g++"], "installing a C++ compiler", log)
    if not has_compiler(env):
        raise SetupError("There is no C++ compiler to build llama.cpp with.", compiler_remedy())


def compiler_remedy() -> str:
    """How to get a C++ compiler on this system, in one sentence."""
    if sys.platform == "win32":
        return 'Install "Desktop development with C++" from the Visual Studio Build Tools and run the command again.'
    if sys.platform == "darwin":
        return "Run `xcode-select --install`, then the command again."
    return "Install one (Debian and Ubuntu: sudo apt-get install g++) and run the command again."


def expected_minutes(cores: int, minutes_of_work: float) -> str:
    """How long a compilation takes, in words.

    Args:
        cores: that it can use; it scales with them.
        minutes_of_work: that it takes on one core.
    """
    minutes = max(1, round(minutes_of_work / max(1, cores)))
    return f"about {minutes} minute{'s' if minutes > 1 else ''} on {cores} core{'s' if cores > 1 else ''}"


def disk_full() -> SetupError:
    """Say that the disk is full."""
    return SetupError("The disk is full: compiling llama.cpp needs 2 GB.", "Free some space and run it again.")


def build_failure(output: str, log: Path) -> SetupError:
    """Say why the build failed, from what it printed."""
    if _NO_COMPILER.search(output):
        return SetupError("There is no working C++ compiler to build llama.cpp with.", compiler_remedy())
    if "No space left on device" in output:
        return disk_full()
    if "Killed signal" in output or "out of memory" in output.lower():
        remedy = "Close other programs, or set CMAKE_BUILD_PARALLEL_LEVEL=1, and run the command again."
        return SetupError("The compiler ran out of memory.", remedy)
    if _NO_NETWORK.search(output):
        remedy = "Check the network and run the command again."
        return SetupError(f"The source of {PACKAGE} could not be downloaded.", remedy)
    lines = [line.rstrip()[:300] for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if _INTERESTING.search(line)][-8:] or lines[-8:]
    excerpt = "\n".join(f"    {line}" for line in telling)
    return SetupError(f"Compiling llama.cpp failed:\n{excerpt}\n", f"All it printed is in {log}.")
