from engine.bench.measure import BenchOptions
from engine.bench.scheduler import run
from engine.queueing import FACTORS


def test_decisions_are_timed_and_every_factor_is_left_out_in_turn(options: BenchOptions):
    report = run(options)
    for name in ("pick_us", "want_us", "order_us", "add_us"):
        assert 0 < report.figures[f"{name}_p50"] <= report.figures[f"{name}_p99"]
        assert len(report.samples[name]) >= 10
    for factor in FACTORS:
        assert {f"ablation_{factor}_{name}" for name in ("slo", "p95", "makespan", "longest_wait", "jain")} <= set(
            report.figures
        )
    assert 0 < report.figures["ablation_all_slo"] <= 1
    assert any(report.figures[f"ablation_{factor}_p95"] for factor in FACTORS)
