"""The virtual environment `.venv`: made, completed, repaired, and left alone when nothing changed."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from compiling import PACKAGE
from failure import SetupError
from llama_wheel import cpu_description, ensure_wheel, pinned_version, wheel_key
from progress import run_with_progress

STAMP = "hearth-setup.json"
INCOMPLETE = "hearth-setup.incomplete"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an environment was made from; equal stamps mean that there is nothing to do.

    Attributes:
        python: version of Python, such as 3.12.
        project: digest of pyproject.toml.
        place: where the environment is; it cannot be moved.
        wheel: key of the llama.cpp wheel in it.
        dev: whether the tools for tests and checks are in it.
    """

    python: str
    project: str
    place: str
    wheel: str
    dev: bool


@dataclass(frozen=True, slots=True)
class Health:
    """What an existing environment says about itself: version of Python, and of llama-cpp-python if it is there."""

    python: str
    llama: str | None


def venv_program(venv: Path, name: str) -> Path:
    """Path of a program in the environment."""
    return venv / "Scripts" / f"{name}.exe" if sys.platform == "win32" else venv / "bin" / name


def prepare(root: Path, venv: Path, *, dev: bool) -> bool:
    """Bring the environment up to date with pyproject.toml.

    Args:
        root: the checkout.
        venv: the environment; made where it is missing, made anew where an earlier try was cut off.
        dev: also install what tests and checks need.

    Returns:
        Whether anything had to be done.

    Raises:
        SetupError: something failed; the next try starts from where this one can be trusted.
    """
    pyproject = (root / "pyproject.toml").read_text(encoding="utf-8")
    version = pinned_version(pyproject)
    key = wheel_key(version, os.environ.get("CMAKE_ARGS", ""), cpu_description())
    old = read_stamp(venv)
    python_version = f"{sys.version_info.major}.{sys.version_info.minor}"
    wanted = Stamp(
        python=python_version,
        project=hashlib.sha256(pyproject.encode()).hexdigest(),
        place=str(venv),
        wheel=key,
        dev=dev or (old is not None and old.dev),
    )
    if old == wanted:
        return False
    health = None if (venv / INCOMPLETE).exists() else examine(venv)
    if health is None or health.python != python_version:
        health = None
        make_venv(venv)
    (venv / STAMP).unlink(missing_ok=True)
    (venv / INCOMPLETE).touch()
    python = venv_program(venv, "python")
    log = root / ".cache" / "setup.log"
    if health is None or health.llama != version or (old is not None and old.wheel != key):
        pip_install(
            python, ["--force-reinstall", "--no-deps", str(ensure_wheel(python, version))], f"installing {PACKAGE}", log
        )
    extra = "[dev]" if wanted.dev else ""
    pip_install(python, ["--editable", f"{root}{extra}"], "installing Hearth and what it needs", log)
    write_stamp(venv, wanted)
    return True


def read_stamp(venv: Path) -> Stamp | None:
    """What the environment was made from, or None if it was not finished by us."""
    try:
        return Stamp(**json.loads((venv / STAMP).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_stamp(venv: Path, stamp: Stamp) -> None:
    """Note that the environment is complete."""
    (venv / STAMP).write_text(json.dumps(asdict(stamp), indent=2), encoding="utf-8")
    (venv / INCOMPLETE).unlink(missing_ok=True)


def examine(venv: Path) -> Health | None:
    """Ask an existing environment what it is; None if it is missing, broken, or was moved."""
    question = (
        "import json, pip, sys, importlib.metadata as m\n"
        f"found = [d.version for d in m.distributions() if d.metadata['Name'].replace('_', '-') == '{PACKAGE}']\n"
        "print(json.dumps(['%d.%d' % sys.version_info[:2], (found or [None])[0], sys.prefix]))"
    )
    try:
        command = [str(venv_program(venv, "python")), "-c", question]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        python, llama, prefix = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return Health(python, llama) if Path(prefix).resolve() == venv.resolve() else None


def requirements_of(root: Path, extra: str) -> list[str]:
    """What an extra of the checkout's pyproject.toml asks for."""
    with (root / "pyproject.toml").open("rb") as file:
        return list(tomllib.load(file)["project"]["optional-dependencies"][extra])


def make_venv(venv: Path) -> None:
    """Make an empty environment with pip, in place of whatever is there.

    Raises:
        SetupError: Python could not.
    """
    shutil.rmtree(venv, ignore_errors=True)
    print(f"  making {venv.name} with Python {sys.version.split()[0]}", flush=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        shutil.rmtree(venv, ignore_errors=True)
        raise venv_failure(made.stdout + made.stderr)


def venv_failure(output: str) -> SetupError:
    """Say why Python could not make an environment, from what it printed."""
    if "ensurepip" in output:
        package = f"python3.{sys.version_info.minor}-venv"
        remedy = f"Install it (Debian and Ubuntu: sudo apt-get install {package}) and run the command again."
        return SetupError("This Python has no venv module with pip.", remedy)
    last = output.strip().splitlines()[-1:] or ["no reason given"]
    return SetupError(f"The virtual environment could not be made: {last[0]}.", "Check the disk and the permissions.")


def pip_install(python: Path, arguments: Sequence[str], title: str, log: Path) -> None:
    """Run `pip install` with these arguments, if there are any.

    Raises:
        SetupError: pip failed.
    """
    if not arguments:
        return
    # Python compiles what is imported when it is; compiling everything here would take half of the time.
    command = [str(python), "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--no-compile"]
    command += arguments
    outcome = run_with_progress(command, title, log)
    if outcome.code != 0:
        raise pip_failure(outcome.output, log)


def pip_failure(output: str, log: Path) -> SetupError:
    """Say why pip could not install, from what it printed."""
    errors = [line.strip()[:300] for line in output.splitlines() if line.lstrip().lower().startswith("error")]
    reason = errors[-1] if errors else "pip failed."
    remedy = f"Check the network and run the command again; all it printed is in {log}."
    return SetupError(f"A package could not be installed: {reason}", remedy)
