"""Whether the inference libraries load at all, tried in processes of their own: a wrong build kills its process."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.backends.describing import FLAG, FUNCTIONS
from engine.programs import NO_WINDOW, process_command

_LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of loading a library.

    Attributes:
        build: what it says it was built for; empty if it does not load.
        fault: why it does not load, without a full stop; empty if it does.
    """

    build: str = ""
    fault: str = ""


def probe_libraries(commands: Mapping[str, Sequence[str]] | None = None) -> dict[str, Probe]:
    """Load every library in a fresh process, all at the same time.

    Args:
        commands: name of the library -> the command that loads it and prints how it was built; None is Hearth's own.
    """
    if commands is None:
        commands = {library: process_command(FLAG, library) for library in FUNCTIONS}
    pipe = subprocess.PIPE
    processes = {
        name: subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, creationflags=NO_WINDOW)
        for name, command in commands.items()
    }
    return {name: _outcome(process) for name, process in processes.items()}


def _outcome(process: "subprocess.Popen[str]") -> Probe:
    try:
        out, errors = process.communicate(timeout=_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Probe(fault=f"loading it takes longer than {_LIMIT_S} s")
    if process.returncode == 0:
        return Probe(build=" ".join(out.split()))
    return Probe(fault=_reason(process.returncode, errors))


def _reason(code: int, errors: str) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        return "it was built for another processor (SIGILL)" if name == "SIGILL" else f"it crashes ({name})"
    lines = errors.strip().splitlines()
    return lines[-1].rstrip(".") if lines else f"it ends with code {code}"
