"""The llama-cpp-python wheel: compiled once for this machine, then kept for every later environment.

llama.cpp is compiled for the CPU at hand, so a kept wheel fits only machines with the same instruction sets: its key
says which. The wheel is kept in `$XDG_CACHE_HOME/hearth/wheels`, `~/.cache/hearth/wheels` or, on Windows,
`%LOCALAPPDATA%\\hearth\\wheels`.
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import system_libraries
from failure import SetupError
from locking import locked
from progress import run_with_progress

PACKAGE = "llama-cpp-python"
# Only what Hearth uses: no multimodal projector, no second copy of the libraries beside the package.
BUILD_SETTINGS = {
    "cmake.define.LLAVA_BUILD": "OFF",
    "wheel.exclude": "/bin/**;/include/**;/lib/**",
}
_PROJECT_HOOK = Path(__file__).with_name("llama_only.cmake")
_INSTRUCTION_SETS = re.compile(
    r"^(sse|ssse|avx|fma|f16c|bmi|amx|popcnt|lzcnt|abm|movbe|adx|sha|aes|vaes|vpclmul|gfni|"
    r"asimd|neon|sve|sme|i8mm|bf16|fphp|fp16|crc32|atomics|rvv|vx|vsx)"
)
_COMPILERS = ("c++", "g++", "clang++")
_INTERESTING = re.compile(r"error|fatal|not found|could not|cannot|no space|killed", re.IGNORECASE)
_NO_COMPILER = re.compile(
    r"No CMAKE_C(XX)?_COMPILER|CMAKE_C(XX)?_COMPILER.*(not set|not found|not a full path)", re.IGNORECASE
)
_NO_NETWORK = re.compile(
    r"Could not find a version|NewConnectionError|ConnectionError|Temporary failure in name|timed out"
)


def pinned_version(pyproject: str) -> str:
    """The version of llama-cpp-python that `pyproject.toml` (its text) pins.

    Raises:
        SetupError: it pins none.
    """
    match = re.search(rf'"{PACKAGE}==([^"\s;]+)"', pyproject)
    if match is None:
        raise SetupError(f"pyproject.toml pins no version of {PACKAGE}.", "Restore the line in its dependencies.")
    return match[1]


def wheel_folder(env: Mapping[str, str] = os.environ) -> Path:
    """Where built wheels are kept, for every checkout of this user."""
    if env.get("XDG_CACHE_HOME"):
        base = Path(env["XDG_CACHE_HOME"])
    elif sys.platform == "win32" and env.get("LOCALAPPDATA"):
        base = Path(env["LOCALAPPDATA"])
    else:
        base = Path.home() / ".cache"
    return base / "hearth" / "wheels"


def wheel_key(version: str, cmake_args: str, cpu: str) -> str:
    """Name that two wheels share only if one can stand in for the other.

    Args:
        version: of llama-cpp-python.
        cmake_args: what the person set in `CMAKE_ARGS`.
        cpu: instruction sets of this machine; left out where `CMAKE_ARGS` builds for no machine in particular.
    """
    native = not re.search(r"-D\s*GGML_NATIVE(:BOOL)?=(OFF|0|FALSE|NO)\b", cmake_args, re.IGNORECASE)
    parts = [repr(sorted(BUILD_SETTINGS.items())), _PROJECT_HOOK.read_text(encoding="utf-8"), cmake_args]
    parts += ["".join(platform.libc_ver()), cpu if native else "any"]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return f"{version}-{platform.system().lower()}-{platform.machine().lower()}-{digest}"


def cpu_description() -> str:
    """Instruction sets of this machine's CPU, or its model name where the system lists no instruction sets."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        return instruction_sets(cpuinfo.read_text(encoding="utf-8", errors="replace"))
    if platform.system() == "Darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return platform.processor()


def instruction_sets(cpuinfo: str) -> str:
    """The instruction sets that a compiler can make use of, out of the text of `/proc/cpuinfo`."""
    match = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", cpuinfo, re.MULTILINE)
    flags = match[1].split() if match else [platform.machine()]
    return " ".join(sorted({flag for flag in flags if _INSTRUCTION_SETS.match(flag)}))


def find_wheel(folder: Path, key: str) -> Path | None:
    """The kept wheel with this key, or None."""
    return next(iter(sorted((folder / key).glob("*.whl"))), None)


def ensure_wheel(python: Path, version: str, env: Mapping[str, str] = os.environ) -> Path:
    """The wheel for this machine: the kept one, or else compiled now, which takes minutes.

    Args:
        python: interpreter whose pip builds.
        version: of llama-cpp-python.
        env: `CMAKE_ARGS` is passed on to the build.

    Raises:
        SetupError: there is no compiler, no network, or the compilation failed.
    """
    folder = wheel_folder(env)
    key = wheel_key(version, env.get("CMAKE_ARGS", ""), cpu_description())
    if found := find_wheel(folder, key):
        return found
    with locked(folder / f"{key}.lock", "  Another set-up is compiling llama.cpp; waiting for it."):
        return find_wheel(folder, key) or _build(python, version, folder, key, env)


def _build(python: Path, version: str, folder: Path, key: str, env: Mapping[str, str]) -> Path:
    if not has_compiler(env) and system_libraries.may_install():
        system_libraries.apt_install(["g++"], "installing a C++ compiler", folder / f"{key}.log")
    if not has_compiler(env):
        raise SetupError("There is no C++ compiler to build llama.cpp with.", compiler_remedy())
    for leftover in folder.glob(f"{key}.partial-*"):  # of a build that was killed: we hold the lock, so nobody uses it
        shutil.rmtree(leftover, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{key}.partial-", dir=folder))
    log = folder / f"{key}.log"
    print(f"  llama.cpp is compiled for this machine: once, {expected_minutes(os.cpu_count() or 1)}.", flush=True)
    try:
        outcome = run_with_progress(build_command(python, version, partial), "compiling llama.cpp", log, env=env)
        if outcome.code != 0 or not list(partial.glob("*.whl")):
            raise build_failure(outcome.output, log)
        shutil.rmtree(folder / key, ignore_errors=True)
        partial.rename(folder / key)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return next((folder / key).glob("*.whl"))


def build_command(python: Path, version: str, target: Path) -> list[str]:
    """The pip command that builds the wheel into the folder `target`."""
    settings = BUILD_SETTINGS | {"cmake.define.CMAKE_PROJECT_llama.cpp_INCLUDE": _PROJECT_HOOK.as_posix()}
    # pip's own wheel cache does not know about the CPU or CMAKE_ARGS, so it is not asked.
    command = [str(python), "-m", "pip", "wheel", "-v", "--no-input", "--disable-pip-version-check", "--no-cache-dir"]
    command += ["--no-deps", "--no-binary", PACKAGE, "--wheel-dir", str(target)]
    command += [f"--config-settings={name}={value}" for name, value in settings.items()]
    return [*command, f"{PACKAGE}=={version}"]


def expected_minutes(cores: int) -> str:
    """How long the compilation takes, in words; measured on two cores, and it scales with cores."""
    minutes = max(1, round(6 / max(1, cores)))
    return f"about {minutes} minute{'s' if minutes > 1 else ''} on {cores} core{'s' if cores > 1 else ''}"


def has_compiler(env: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a C++ compiler, asked before a long download; Windows keeps its off the PATH, so it counts."""
    path = env.get("PATH")
    return sys.platform == "win32" or bool(env.get("CXX")) or any(shutil.which(name, path=path) for name in _COMPILERS)


def compiler_remedy() -> str:
    """How to get a C++ compiler on this system, in one sentence."""
    if sys.platform == "win32":
        return 'Install "Desktop development with C++" from the Visual Studio Build Tools and run the command again.'
    if sys.platform == "darwin":
        return "Run `xcode-select --install`, then the command again."
    return "Install one (Debian and Ubuntu: sudo apt-get install g++) and run the command again."


def build_failure(output: str, log: Path) -> SetupError:
    """Say why the build failed, from what it printed."""
    if _NO_COMPILER.search(output):
        return SetupError("There is no working C++ compiler to build llama.cpp with.", compiler_remedy())
    if "No space left on device" in output:
        return SetupError("The disk is full: compiling llama.cpp needs 2 GB.", "Free some space and run it again.")
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
