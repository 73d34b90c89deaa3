"""The llama-cpp-python wheel: compiled once for this machine, then kept for every later environment.

llama.cpp is compiled for the CPU at hand, so a kept wheel fits only machines with the same instruction sets: its key
says which.
"""

import hashlib
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from build_cache import cache_folder, filling
from compiling import PACKAGE, build_failure, ensure_compiler, expected_minutes
from failure import SetupError
from locking import locked
from progress import run_with_progress

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
_MINUTES_OF_WORK = 6  # measured on two cores


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
    return cache_folder("wheels", env)


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
    log = folder / f"{key}.log"
    ensure_compiler(log, env)
    duration = expected_minutes(os.cpu_count() or 1, _MINUTES_OF_WORK)
    print(f"  llama.cpp is compiled for this machine: once, {duration}.", flush=True)
    with filling(folder, key) as partial:
        outcome = run_with_progress(build_command(python, version, partial), "compiling llama.cpp", log, env=env)
        if outcome.code != 0 or not list(partial.glob("*.whl")):
            raise build_failure(outcome.output, log)
    return next((folder / key).glob("*.whl"))


def build_command(python: Path, version: str, target: Path) -> list[str]:
    """The pip command that builds the wheel into the folder `target`."""
    settings = BUILD_SETTINGS | {"cmake.define.CMAKE_PROJECT_llama.cpp_INCLUDE": _PROJECT_HOOK.as_posix()}
    # pip's own wheel cache does not know about the CPU or CMAKE_ARGS, so it is not asked.
    command = [str(python), "-m", "pip", "wheel", "-v", "--no-input", "--disable-pip-version-check", "--no-cache-dir"]
    command += ["--no-deps", "--no-binary", PACKAGE, "--wheel-dir", str(target)]
    command += [f"--config-settings={name}={value}" for name, value in settings.items()]
    return [*command, f"{PACKAGE}=={version}"]
