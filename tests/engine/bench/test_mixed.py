"""A trace, replayed for real with tiny models, through the door."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.bench.measure import BenchOptions
from engine.bench.mixed import run
from engine.bench.random_model import cached_random_model
from engine.bench.traces import Trace, TracedModel, TracedRequest, write_trace
from engine.config import ORDERS
from engine.errors import InvalidRequestError
from engine.requests import Urgency


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    requests = [
        TracedRequest(
            at_s=0.02 * number,
            model=("a", "b", "pictures")[number % 3],
            client=f"c{number % 2}",
            urgency=list(Urgency)[number % 3],
            prompt_tokens=1 if number % 3 == 2 else 40,
            max_tokens=1 if number % 3 == 2 else 8,
            shared_prefix=0 if number % 3 == 2 else 20,
            is_image=number % 3 == 2,
        )
        for number in range(9)
    ]
    models = {
        "a": TracedModel(shape="tiny", type="q8_0"),
        "b": TracedModel(shape="tiny", type="q8_0", seed=1),
        "pictures": TracedModel(shape="picture"),
    }
    path = tmp_path / "trace.jsonl"
    write_trace(path, Trace(models=models, memory_budget_bytes=1 << 30, requests=requests))
    return path


@pytest.mark.models
def test_a_trace_is_replayed_in_all_orders_and_in_simulation(options: BenchOptions, trace: Path):
    report = run(replace(options, trace=trace, simulate=True))
    figures = report.figures
    for order in ORDERS:
        assert figures[f"makespan_s_{order}"] > 0.16  # the last one comes then
        assert figures[f"loads_{order}"] == 3
        assert 0 < figures[f"slo_attainment_{order}"] <= 1
        assert figures[f"first_token_p95_s_interactive_{order}"] > 0
        assert figures[f"overtaken_s_{order}"] <= 0.16
        assert figures[f"simulated_vs_real_{order}"] > 0
    orders = (*ORDERS, "free_single")
    assert figures["waits_over_bound"] == sum(figures[f"waits_over_bound_{order}"] for order in orders)
    assert figures["makespan_vs_fifo"] == pytest.approx(figures["makespan_s_hearth"] / figures["makespan_s_fifo"])
    assert len(report.samples["makespan_s_collate"]) == 1


@pytest.mark.models
def test_only_the_orders_that_are_named_are_replayed(options: BenchOptions, trace: Path):
    figures = run(replace(options, trace=trace, orders=("fifo", "fifo"))).figures
    assert "makespan_s_fifo" in figures
    assert not any("hearth" in name or "vs" in name or "simulated" in name for name in figures)


def test_an_unknown_order_is_refused_before_anything_is_measured(options: BenchOptions, trace: Path):
    with pytest.raises(InvalidRequestError, match="no order 'lifo'"):
        run(replace(options, trace=trace, orders=("lifo",)))


def test_models_of_other_seeds_are_other_files(options: BenchOptions):
    first, other = (cached_random_model(options.folder, "tiny", "q8_0", seed) for seed in (0, 1))
    assert first != other
    assert first.read_bytes() != other.read_bytes()
    assert first.stat().st_size == other.stat().st_size
