"""`hearth bench dispatch`: how well speeds are predicted, and what text and pictures at once gain over one by one."""

import asyncio

from engine.bench import at_once, prediction_error
from engine.bench.measure import BenchOptions
from engine.bench.report import BenchReport, machine_facts


def run(options: BenchOptions) -> BenchReport:
    """Compare predicted with real decoding speeds on the processor; then load all devices with text and pictures."""
    machine = machine_facts()
    figures, samples = prediction_error.summary(asyncio.run(prediction_error.prediction_errors(options)))
    more_figures, more_samples = at_once.figures(*asyncio.run(at_once.compare(options)))
    return BenchReport(
        bench="dispatch",
        figures={**figures, **more_figures},
        samples={**samples, **more_samples},
        machine=machine,
    )
