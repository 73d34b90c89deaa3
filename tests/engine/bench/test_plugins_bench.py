"""`hearth bench plugins`, with few measurements."""

import sys

from engine.bench.measure import BenchOptions
from engine.bench.plugins import MANY, run
from engine.config import EngineConfig


def test_every_figure_is_measured(tmp_path):
    report = run(BenchOptions(config=EngineConfig(home=tmp_path), quick=True))
    assert report.figures.keys() >= {"inprocess_us_p50", "outofprocess_ms_p50", "discover_ms"}
    assert all(value is not None for value in report.figures.values())
    assert all(len(values) > 1 for values in report.samples.values())
    # A call into another process cannot take less than one in this process, nor finding plugins no time.
    assert min(report.samples["outofprocess_us"]) > min(report.samples["direct_us"])
    assert min(report.samples["discover_ms"]) * 1000 > MANY


def test_nothing_of_the_bench_stays_loaded(tmp_path):
    run(BenchOptions(config=EngineConfig(home=tmp_path), quick=True))
    assert not [name for name in sys.modules if name.startswith("plugins.bench")]
    assert list(tmp_path.iterdir()) == []
