"""Programs that a bench starts and listens to."""

import json
import os
import subprocess
from collections.abc import Sequence
from time import perf_counter

from engine.errors import EngineError
from engine.programs import module_command

_LIMIT_S = 300


class BenchProgramError(EngineError):
    """A program that a bench started did not do what the bench needs."""


def run_module(module: str, *arguments: str, limit_s: float = _LIMIT_S) -> str:
    """Run a module of Hearth to its end, as `python -m` does, and return what it printed.

    A window is drawn off the screen unless Qt is told otherwise, so that a bench needs no display.

    Raises:
        BenchProgramError: it failed, or took longer than the limit, five minutes if none is given.
    """
    command = module_command(module, *arguments)
    environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ}
    try:
        ended = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=limit_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise BenchProgramError(f"{module} did not end within {limit_s:.0f} s.") from error
    if ended.returncode != 0:
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise BenchProgramError(f"{module} ended with code {ended.returncode}: {last}.", "See `hearth doctor`.")
    return ended.stdout


def json_lines(text: str) -> list[dict[str, object]]:
    """The JSON objects among the lines of a program's output."""
    found = []
    for line in text.splitlines():
        if line.startswith("{"):
            value = json.loads(line)
            if isinstance(value, dict):
                found.append(value)
    return found


def first_output_s(command: Sequence[str]) -> float:
    """Seconds from starting a program until its first byte on standard output; the program is then ended.

    Raises:
        BenchProgramError: it ended without printing anything.
    """
    started_s = perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    try:
        assert process.stdout is not None
        first = process.stdout.read(1)
        elapsed_s = perf_counter() - started_s
    finally:
        process.kill()
        _, errors = process.communicate()
    if not first:
        last = (errors.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        raise BenchProgramError(f"{' '.join(command[2:])} printed nothing: {last}")
    return elapsed_s
