"""`hearth bench library`, with few models."""

from engine.bench.library import run
from engine.bench.measure import BenchOptions
from engine.config import EngineConfig


def test_a_library_is_opened_cold_and_warm(tmp_path):
    report = run(BenchOptions(config=EngineConfig(home=tmp_path), quick=True))
    assert report.figures.keys() == {"cold_ms", "usable_ms", "again_ms"}
    assert report.figures["again_ms"] < report.figures["usable_ms"] < report.figures["cold_ms"]
    assert len(report.samples["usable_ms"]) == 2
    assert report.verdict("usable_ms") is not None
    assert list(tmp_path.iterdir()) == []
