"""`hearth bench ui`: how smooth the window stays while an answer streams, as the window itself measures it."""

import math
from collections.abc import Mapping

from engine.bench.children import BenchProgramError, json_lines, run_module
from engine.bench.measure import BenchOptions
from engine.bench.report import BenchReport, machine_facts

_PROGRAM = "app.bench_ui"


def run(options: BenchOptions) -> BenchReport:
    """Let the window measure itself in a process of its own, off the screen."""
    machine = machine_facts()
    lines = json_lines(run_module(_PROGRAM, "--json", *(("--quick",) if options.quick else ())))
    if not lines:
        raise BenchProgramError(f"{_PROGRAM} printed no figures.")
    figures = lines[-1].get("figures", lines[-1])
    samples = lines[-1].get("samples", {})
    if not isinstance(figures, Mapping) or not isinstance(samples, Mapping):
        raise BenchProgramError(f"{_PROGRAM} printed something else than figures.")
    return BenchReport(
        bench="ui",
        figures={str(name): _measured(value) for name, value in figures.items()},
        samples=samples,
        machine=machine,
    )


def _measured(value: object) -> float | None:
    # What could not be measured is NaN there, which JSON does not know.
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
