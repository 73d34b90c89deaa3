"""Measures how fast a device is through one route: a few seconds, in a process of its own, because a driver may crash.

For llama.cpp, `engine/backends/llama/measuring.py` times some random-weight models, and `fitting.py` finds the rates
with which the formula of `prediction.py` explains those times best:

| rate | from |
|---|---|
| step and layer overhead | models with hardly any weights, of 2 and 48 layers |
| what Hearth adds to a step | a model that answers as it would for a person, less the same model that only decodes |
| bytes per second by type of weights, and the overhead of a row | models as wide as real ones, and narrow ones |
| operations per second by type of weights | a prompt on the wide ones, less the time of one token |
| operations per second of looking back | one token after 16 and after 1,024 others; both halves of a prompt of 1,024 |
| bytes per second of loading | opening all of them, from files that the system has in memory |

For ONNX Runtime, `engine/backends/onnx/measuring.py` does the same with two graphs.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Final, Protocol

import msgspec

from engine.devices.cpu_load import CpuLoadMeter
from engine.devices.fitting import DEVICE_LANE_FACTOR, LANE_FACTOR, fitted
from engine.devices.prediction import Rates
from engine.devices.rates import encoded
from engine.devices.seen.processor import see_caches
from engine.errors import DeviceError, EngineError
from engine.programs import NO_WINDOW, process_command

FLAG: Final = "--calibrate-device"
"""First argument of the process that measures; what follows is for `main`."""

LLAMA: Final = "llama.cpp"

_POLL_S: Final = 0.1
_DEVICE_CACHE_BYTES: Final = 64 << 20  # last-level cache of large graphics processors; drivers do not say
_USUAL_CACHE_BYTES: Final = 32 << 20  # where the system does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationOrder:
    """What to measure; crosses to the process as JSON.

    Attributes:
        device: id of the device.
        backend: of the route.
        interface: of the route.
        folder: for the models that are timed; they are written there once, one or two gigabytes.
        target: of the route; empty for the processor.
        version: of the route.
        modules: folder of llama.cpp's modules; empty if there is none.
        threads: of the processor.
        limit_s: how long it should take.
        is_quick: measure two types of weights on models that the processor's cache may hold: only to see that it works.
    """

    device: str
    backend: str
    interface: str
    folder: str
    target: str = ""
    version: str = ""
    modules: str = ""
    threads: int = 1
    limit_s: float = 6.0
    is_quick: bool = False


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the process prints: rates, or why there are none."""

    rates: Rates | None = None
    fault: str = ""


class Stop(Protocol):
    """Says when a measurement is to end, like `threading.Event`."""

    def is_set(self) -> bool:
        """Whether it is."""


def calibrate(order: CalibrationOrder, timeout_s: float = 120.0, stop: Stop | None = None) -> Rates:
    """Measure a device in a process of its own; blocks until that has ended.

    Args:
        order: what to measure.
        timeout_s: after which the process is ended. The first time takes longer: the models have to be written.
        stop: ends it early when it is set.

    Raises:
        DeviceError: it could not be measured; says why in one sentence.
    """
    name = f"{order.device} through {order.interface}"
    try:
        process = subprocess.Popen(
            child_command(order),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "GGML_NO_BACKTRACE": "1"},  # or llama.cpp starts a debugger when it aborts
            start_new_session=sys.platform != "win32",  # Ctrl-C is for Hearth, which ends its processes itself
            creationflags=NO_WINDOW,
        )
    except OSError as error:
        raise DeviceError(f"{name} cannot be measured: {error}.") from error
    try:
        out, errors = _wait(process, timeout_s, stop or Event(), name)
    finally:
        _end(process)
    if process.returncode:
        lines = errors.decode(errors="replace").strip().splitlines()
        said = f": {lines[-1].strip().rstrip('.')}" if lines and process.returncode > 0 else ""
        raise DeviceError(f"{name} ended with code {process.returncode} while it was measured{said}.")
    return _read(name, out)


def _wait(process: "subprocess.Popen[bytes]", timeout_s: float, stop: Stop, name: str) -> tuple[bytes, bytes]:
    """What the process printed until its end, on standard output and standard error."""
    until_s = time.monotonic() + timeout_s
    while True:
        try:
            return process.communicate(timeout=_POLL_S)
        except subprocess.TimeoutExpired:
            if stop.is_set():
                raise DeviceError(f"{name} was not measured to the end, because somebody stopped it.") from None
            if time.monotonic() > until_s:
                raise DeviceError(f"{name} was not measured within {timeout_s:g} s.", "See `hearth doctor`.") from None


def child_command(order: CalibrationOrder) -> list[str]:
    """The command that measures."""
    return process_command(FLAG, msgspec.json.encode(order).decode())


def main(arguments: Sequence[str]) -> None:
    """Measure, print one JSON document, end at once: a library that crashes while it is unloaded spoils nothing.

    Args:
        arguments: the order as JSON.
    """
    answer = os.dup(1)  # before anything native is loaded, which prints where it likes
    os.dup2(2, 1)
    try:
        found = _Answer(rates=measure(msgspec.json.decode(arguments[0], type=CalibrationOrder)))
    except (EngineError, OSError, msgspec.DecodeError) as error:
        found = _Answer(fault=str(error))
    data = encoded(found)
    while data:
        data = data[os.write(answer, data) :]
    os._exit(0)


def measure(order: CalibrationOrder) -> Rates:
    """Measure a device in this process.

    Raises:
        EngineError: it cannot be used, or not be measured.
        OSError: the models cannot be written.
    """
    return _measure_llama(order) if order.backend == LLAMA else _measure_onnx(order)


def _measure_llama(order: CalibrationOrder) -> Rates:
    from engine.backends.base import DeviceTarget
    from engine.backends.llama.measuring import TYPES, MeasuringOrder, time_models

    targets = (order.target,) if order.target else ()
    # Narrow rows cost a processor time; a graphics processor has enough units to begin many of them at once.
    plan = MeasuringOrder(
        folder=Path(order.folder),
        target=DeviceTarget(device=order.device, interface=order.interface, targets=targets),
        modules=Path(order.modules) if order.modules else None,
        threads=order.threads,
        cache_bytes=_DEVICE_CACHE_BYTES if targets else last_cache_bytes(),
        narrow_types=TYPES[1:2] if targets else TYPES[1:3],
        limit_s=order.limit_s,
    )
    if order.is_quick:
        plan = replace(plan, cache_bytes=1, types=TYPES[:2], narrow_types=TYPES[1:2], limit_s=0.5)
    meter = CpuLoadMeter()
    timings = time_models(plan, others=lambda: meter.sample().others)
    return _of(order, fitted(timings, DEVICE_LANE_FACTOR if targets else LANE_FACTOR))


def _measure_onnx(order: CalibrationOrder) -> Rates:
    from engine.backends.base import DeviceTarget
    from engine.backends.onnx.measuring import measure_graph

    targets = (order.target,) if order.target else ()
    target = DeviceTarget(device=order.device, interface=order.interface, targets=targets)
    speed = measure_graph(target, order.threads, order.limit_s / 2)
    rates = Rates(device="", backend="", interface="", graph_flops=speed.flops_per_s, graph_overhead_s=speed.overhead_s)
    return _of(order, rates)


def _of(order: CalibrationOrder, rates: Rates) -> Rates:
    return replace(
        rates,
        device=order.device,
        backend=order.backend,
        interface=order.interface,
        version=order.version,
        measured_at=time.time(),
    )


def last_cache_bytes() -> int:
    """Size of the processor's last-level caches, all together."""
    sizes = [(cache.level, cache.size_bytes * cache.count) for cache in see_caches() if cache.kind != "instruction"]
    return max(sizes)[1] if sizes else _USUAL_CACHE_BYTES


def _read(name: str, out: bytes) -> Rates:
    try:
        found = msgspec.json.decode(out, type=_Answer)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DeviceError(f"{name} gave an answer that is no measurement.") from error
    if found.rates is None:
        raise DeviceError(f"{name} cannot be measured: {found.fault or 'it gave no reason.'}")
    return found.rates


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the process and what it has started, if it has not ended by itself; a driver may make that take long."""
    if process.poll() is None:
        if sys.platform != "win32":
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()


if __name__ == "__main__":
    main(sys.argv[1:])
