"""The benches by name; each is imported only when it runs."""

from collections.abc import Sequence
from importlib import import_module

from engine.bench.measure import BenchOptions
from engine.bench.report import BenchReport
from engine.errors import InvalidRequestError

BENCHES: Sequence[str] = (
    "overhead", "batching", "neighbours", "startup", "ui", "plugins", "telemetry", "dispatch", "mixed", "scheduler",
    "cache", "prefix", "speed", "paging", "fit", "library", "quantize",
)  # fmt: skip


def check_names(names: Sequence[str]) -> None:
    """Refuse unknown names before the first bench spends its minutes.

    Raises:
        InvalidRequestError: there is no such bench.
    """
    for name in names:
        if name not in BENCHES:
            raise InvalidRequestError(f"There is no bench {name!r}.", f"Choose from: {', '.join(BENCHES)}.")


def run_bench(name: str, options: BenchOptions) -> BenchReport:
    """Run one bench.

    Raises:
        EngineError: it could not be measured.
    """
    report = import_module(f"engine.bench.{name}").run(options)
    assert isinstance(report, BenchReport)
    return report
