"""`hearth bench telemetry`: what watching the devices costs, with the Hardware page open and without a window."""

import math
import os
from collections import Counter
from collections.abc import Sequence
from itertools import count
from statistics import median
from threading import Event
from time import monotonic, perf_counter, process_time

from engine.bench.children import BenchProgramError, json_lines, run_module
from engine.bench.measure import BenchOptions
from engine.bench.report import BenchReport, machine_facts
from engine.devices.seen.look import see_devices
from engine.devices.seen.processor import processor_device
from engine.devices.telemetry.processes import OurProcesses
from engine.devices.telemetry.sources import Closeable, sources_for
from engine.devices.telemetry.telemetry import Telemetry
from engine.errors import EngineError
from engine.hardware import DeviceInfo

_PROGRAM = "app.bench_hardware"
_FIRST_SAMPLE_S = 60.0


def run(options: BenchOptions) -> BenchReport:
    """Let the window measure itself, then sample for a while in this process, which does nothing else."""
    machine = machine_facts()
    visible = _visible_share(options)
    devices = _devices()
    samples_ms = _samples_ms(devices, 20 if options.quick else 500)
    figures = {
        "core_share_visible": visible,
        "core_share_hidden": _hidden_share(devices, 2.0 if options.quick else 20.0),
        "sample_ms_p50": median(samples_ms),
        "sources": float(_number_of_sources(devices)),
    }
    kept = samples_ms[:: max(1, len(samples_ms) // 200)]
    return BenchReport(bench="telemetry", figures=figures, samples={"sample_ms": kept}, machine=machine)


def _devices() -> list[DeviceInfo]:
    """What the system sees; the backends are not asked, since nothing is to run."""
    numbers: Counter[str] = Counter()
    devices = []
    for seen in (processor_device(), *see_devices()):
        kind = seen.kind.value
        devices.append(
            DeviceInfo(
                id=kind if kind == "cpu" else f"{kind}:{numbers[kind]}",
                kind=seen.kind,
                name=seen.name,
                vendor=seen.vendor,
                address=seen.address,
                shares_memory=seen.shares_memory,
            )
        )
        numbers[kind] += 1
    return devices


def _pids() -> Sequence[int]:
    # Any process will do for one of Hearth's device processes: looking at it costs the same.
    return (os.getppid(),)


def _visible_share(options: BenchOptions) -> float | None:
    """Share of one core that a window needs which shows the Hardware page, sampling included."""
    lines = json_lines(run_module(_PROGRAM, *(("--quick",) if options.quick else ())))
    value = next((line["core_share"] for line in reversed(lines) if "core_share" in line), None)
    if not isinstance(value, int | float):
        raise BenchProgramError(f"{_PROGRAM} printed no core_share.")
    return float(value) if math.isfinite(value) else None


def _hidden_share(devices: Sequence[DeviceInfo], seconds: float) -> float:
    """Share of one core that this process needs while its sampling thread is all that runs, once per second."""
    telemetry = Telemetry(dict, _pids)
    telemetry.cover(devices)
    telemetry.start()
    pause = Event()
    try:
        limit_s = monotonic() + _FIRST_SAMPLE_S
        while telemetry.latest() is None:  # loading a driver's library is not what sampling costs
            if monotonic() > limit_s:
                raise EngineError(f"The devices gave no sample within {_FIRST_SAMPLE_S:.0f} s.")
            pause.wait(0.05)
        began_s, used_s = monotonic(), process_time()
        pause.wait(seconds)
        return (process_time() - used_s) / (monotonic() - began_s)
    finally:
        telemetry.close()


def _samples_ms(devices: Sequence[DeviceInfo], rounds: int) -> list[float]:
    """Milliseconds per sample, on a clock of its own that lets a second go by between two of them."""
    telemetry = Telemetry(dict, _pids, count(1.0).__next__)
    telemetry.cover(devices)
    times = []
    try:
        telemetry.sample_once()  # opens the files
        for _ in range(rounds):
            began = perf_counter()
            telemetry.sample_once()
            times.append((perf_counter() - began) * 1e3)
    finally:
        telemetry.close()
    return times


def _number_of_sources(devices: Sequence[DeviceInfo]) -> int:
    processes = OurProcesses(_pids)
    sources = sources_for(devices, processes)
    for source in sources:
        if isinstance(source, Closeable):
            source.close()
    processes.close()
    return len(sources)
