"""Whether the inference libraries load at all, tried in processes of their own: a wrong build kills its process."""

import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

_LIMIT_S = 60
_PROGRAMS: Mapping[str, str] = {
    "llama.cpp": "import llama_cpp as l; l.llama_backend_init(); print(l.llama_print_system_info().decode())",
    "onnxruntime": "import onnxruntime as o; print(', '.join(o.get_available_providers()))",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """What came of loading a library.

    Attributes:
        build: what it says it was built for; empty if it does not load.
        fault: why it does not load, without a full stop; empty if it does.
    """

    build: str = ""
    fault: str = ""


def probe_libraries(programs: Mapping[str, str] = _PROGRAMS) -> dict[str, Probe]:
    """Load every library in a fresh process, all at the same time.

    Args:
        programs: name of the library -> Python code that loads it and prints how it was built.
    """
    processes = {
        name: subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for name, code in programs.items()
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
