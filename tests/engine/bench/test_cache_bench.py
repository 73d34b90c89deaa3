from dataclasses import replace

from engine.bench import cache
from engine.bench.measure import BenchOptions
from engine.bench.report import TARGETS


def test_a_bench_measures_what_it_promises(options: BenchOptions) -> None:
    report = cache.run(replace(options, insertions=5000))
    assert TARGETS["cache"].keys() <= report.figures.keys()
    assert report.figures["insertions"] == 5000
    assert report.figures["memory_limit_kept"] == report.figures["disk_limit_kept"] == 1
    assert cache.FULL_BYTES * 0.9 < report.figures["memory_peak_bytes"] <= cache.FULL_BYTES
    assert 0 < report.figures["l1_us_p50"] < report.figures["l2_us_p50"]
    assert len(report.samples["hit_ms"]) == 20
