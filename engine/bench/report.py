"""What a bench reports: figures with their targets, the samples behind them, and the machine they were taken on."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

from engine.backends.onnx.providers import CPU, package_version
from engine.devices.machine import describe_machine

Samples = Mapping[str, Sequence[float]]
Figure = float | str | None
"""A number; the name of what a bench chose; None where nothing could be measured."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure should reach: at least, or at most."""

    value: float
    at_most: bool = False

    def is_met_by(self, figure: float) -> bool:
        """Whether the figure is good enough."""
        return figure <= self.value if self.at_most else figure >= self.value

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {self.value:g}"


TARGETS: Mapping[str, Mapping[str, Target]] = {
    "overhead": {
        "decode_ratio": Target(0.97),
        "prefill_ratio": Target(0.97),
        "decode_ratio_100m": Target(0.93),
    },
    "batching": {"speedup_8": Target(2.5), "speedup_16": Target(3.5), "vs_bare_8": Target(0.95)},
    "neighbours": {"vs_default_busy": Target(2.0), "vs_default_quiet": Target(0.97)},
    "startup": {"window_ms": Target(1500, at_most=True), "first_token_ms": Target(4000, at_most=True)},
    "plugins": {
        "inprocess_us_p50": Target(100, at_most=True),
        "outofprocess_ms_p50": Target(2, at_most=True),
        "discover_ms": Target(150, at_most=True),
    },
    "telemetry": {
        "core_share_visible": Target(0.02, at_most=True),
        "core_share_hidden": Target(0.003, at_most=True),
    },
    "dispatch": {"median_error": Target(0.15, at_most=True), "combined_gain": Target(1.7)},
    "mixed": {
        "makespan_vs_fifo": Target(0.6, at_most=True),
        "makespan_vs_free": Target(0.6, at_most=True),
        "makespan_vs_collate": Target(1.0, at_most=True),
        "ttft_p95_vs_fifo": Target(0.25, at_most=True),
        "ttft_p95_vs_collate": Target(0.6, at_most=True),
        "waits_over_bound": Target(0, at_most=True),
        "simulated_error": Target(0.15, at_most=True),
    },
    "fit": {"error_min": Target(-0.05), "error_max": Target(0.20, at_most=True)},
    "library": {"usable_ms": Target(300, at_most=True)},
    "prefix": {"speedup_memory": Target(10), "speedup_disk": Target(3)},
    "paging": {
        "speedup_vs_mmap": Target(3.5),
        "limit_ratio": Target(0.85),
        "major_faults_per_token": Target(2, at_most=True),
        "draft_gain": Target(2.0),
        "sequences_gain": Target(3.5),
    },
    "cache": {
        "l1_us_p50": Target(50, at_most=True),
        "l2_us_p50": Target(1000, at_most=True),
        "hit_ms_p50": Target(2, at_most=True),
        "memory_limit_kept": Target(1),
        "disk_limit_kept": Target(1),
    },
    "quantize": {
        "best_size_ratio": Target(0.40, at_most=True),
        "best_kept": Target(0.98),
        "best_decode_speedup": Target(2.5),
        "reader_kept": Target(0.98),
        "reader_size_ratio": Target(0.30, at_most=True),
        "reader_speedup": Target(2.5),
    },
    "scheduler": {"pick_us_p99": Target(1000, at_most=True)},
    "ui": {"stop_ms_p95": Target(200, at_most=True), "lag_ms_p99": Target(16, at_most=True)},
}
"""They hold for the shapes, types and traces that a bench takes by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchReport:
    """The outcome of one bench.

    Attributes:
        bench: its name.
        figures: name -> value.
        samples: the single measurements, in the order in which they were taken.
        machine: what it ran on, and how busy that was before.
    """

    bench: str
    figures: Mapping[str, Figure]
    samples: Samples
    machine: Mapping[str, object]

    def verdict(self, figure: str) -> tuple[Target, bool] | None:
        """The figure's target and whether it is met; None for a figure without one."""
        target, value = TARGETS.get(self.bench, {}).get(figure), self.figures[figure]
        return None if target is None else (target, isinstance(value, int | float) and target.is_met_by(value))


def machine_facts() -> dict[str, object]:
    """The machine, its load at this moment, and the versions that matter; call it before measuring."""
    try:
        load = os.getloadavg()[0]
    except (OSError, AttributeError):  # Windows has no load average
        load = None
    return {
        **asdict(describe_machine()),
        "load_average": load,
        "python": platform.python_version(),
        **{name: _version(name) for name in ("hearth", "llama-cpp-python")},
        "onnxruntime": package_version(CPU) or None,
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
