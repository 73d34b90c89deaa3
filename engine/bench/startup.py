"""`hearth bench startup`: from starting a fresh process to the window, and to the first token."""

from collections.abc import Mapping
from statistics import median

from engine.bench.children import BenchProgramError, first_output_s, json_lines, run_module
from engine.bench.measure import BenchOptions
from engine.bench.report import BenchReport, machine_facts
from engine.programs import module_command

_WINDOW_PROGRAM = "app.bench_startup"
_COMMAND = ("run", "starter", "hi", "--max-tokens", "8")


def run(options: BenchOptions) -> BenchReport:
    """Start the window and `hearth run starter` several times; all times count from the process's creation."""
    machine = machine_facts()
    samples: dict[str, list[float]] = {"window_ms": [], "first_token_ms": [], "cli_first_token_ms": []}
    for _ in range(1 if options.quick else 5):
        seconds = _window_times()
        for figure in ("window", "first_token"):
            samples[f"{figure}_ms"].append(seconds[f"{figure}_s"] * 1000)
        samples["cli_first_token_ms"].append(first_output_s(module_command("engine", *_COMMAND)) * 1000)
    figures: dict[str, float | None] = {name: median(values) for name, values in samples.items()}
    return BenchReport(bench="startup", figures=figures, samples=samples, machine=machine)


def _window_times() -> Mapping[str, float]:
    """Run the window until its first token; it prints `window_s` and `first_token_s` as JSON lines."""
    seconds: dict[str, float] = {}
    for line in json_lines(run_module(_WINDOW_PROGRAM)):
        seconds.update({name: value for name, value in line.items() if isinstance(value, int | float)})
    if missing := {"window_s", "first_token_s"} - seconds.keys():
        raise BenchProgramError(f"{_WINDOW_PROGRAM} did not say {' and '.join(sorted(missing))}.")
    return seconds
