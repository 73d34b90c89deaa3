"""Hearth's own program, and how it starts itself as another kind of process.

From source that is the interpreter, told where this very package lies. A frozen program has no interpreter to call: it
starts itself with a first argument that says which process it is to be.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PROCESSES: Final[Mapping[str, str]] = {
    "--plugin-process": "engine.plugins.process.child",
    "--device-process": "engine.backends.process.child",
    "--ask-devices": "engine.devices.ask",
    "--calibrate-device": "engine.devices.calibrate",
    "--check-paging": "engine.backends.llama.paging.self_check",
    "--try-model": "engine.gates.probe_child",
    "--describe-library": "engine.backends.describing",
    "--module": "engine.cli.named_module",
}
"""The kinds of processes: a first argument, and whose `main` takes the rest."""

WINDOW_FLAG: Final = "--window"
"""First argument with which a frozen program is the window; the others are those of the window."""
MODULE_FLAG: Final = "--module"
"""First argument with which a frozen program runs a module of Hearth, as `python -m` does from source."""

NO_WINDOW: Final = 0x08000000 if sys.platform == "win32" else 0
"""Flag for `subprocess` (CREATE_NO_WINDOW): without it a child of the windowed program opens a console on Windows."""

_CONSOLE_PROGRAM: Final = "hearth.exe"
_WINDOW_PROGRAM: Final = "hearth-window.exe"


def is_frozen() -> bool:
    """Whether this is a frozen program, and not Python running Hearth's sources."""
    return bool(getattr(sys, "frozen", False))


def is_windowed() -> bool:
    """Whether this is the program for Windows that has no console and is always the window."""
    return is_frozen() and Path(sys.executable).name.lower() == _WINDOW_PROGRAM


def own_program() -> str:
    """What children are started with; the interpreter from source.

    On Windows two programs are installed side by side. It is the one with a console whichever of them runs, because
    the other one always opens the window.
    """
    return _beside(_CONSOLE_PROGRAM) if is_frozen() else sys.executable


def process_command(flag: str, *arguments: str, is_isolated: bool = False) -> list[str]:
    """The command of a process of another kind.

    Args:
        flag: a key of `PROCESSES`.
        arguments: for the `main` of its module.
        is_isolated: whether the interpreter sees neither the user's environment nor the user's packages, and writes
            no caches. A frozen program never does.
    """
    if is_frozen():
        return [own_program(), flag, *arguments]
    # -P: not from the folder that Hearth happens to be started in, where anybody may have put a module.
    options = ["-I", "-B"] if is_isolated else ["-P"]
    place = "append(" if is_isolated else "insert(0, "
    code = f"import sys; sys.path.{place}sys.argv[1]); from {PROCESSES[flag]} import main; main(sys.argv[2:])"
    return [sys.executable, *options, "-X", "utf8", "-c", code, str(Path(__file__).parents[1]), *arguments]


def module_command(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of Hearth as a program.

    Args:
        module: `engine` is the command line, `app` the window; of the others a frozen program runs those below
            `engine.bench` and the benches of the window.
        arguments: for it.
    """
    if not is_frozen():
        return [sys.executable, "-m", module, *arguments]
    if module == "engine":
        return [own_program(), *arguments]
    if module == "app":
        return [_beside(_WINDOW_PROGRAM), WINDOW_FLAG, *arguments]
    return [own_program(), MODULE_FLAG, module, *arguments]


def _beside(name: str) -> str:
    """Another program of this installation, if there are several; else this one."""
    other = Path(sys.executable).with_name(name)
    return str(other) if sys.platform == "win32" and other.is_file() else sys.executable
