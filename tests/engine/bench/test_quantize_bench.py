import math
from dataclasses import replace
from pathlib import Path

import pytest

from engine.bench.measure import BenchOptions
from engine.bench.quantize_choice import LEAST_KEPT, LEAST_SPEEDUP, MOST_SIZE, Candidate, best_of
from engine.bench.report import TARGETS
from engine.quantize.recipes import recipes_for
from tests.computing import computing

GOOD = Candidate(recipe="good", size_ratio=0.36, kept=0.99, decode_speedup=2.6)


def test_of_those_that_reach_all_targets_the_finest_is_chosen():
    finer = replace(GOOD, recipe="finer", kept=0.995, decode_speedup=2.5)
    large = replace(GOOD, recipe="large", size_ratio=0.53, kept=1.0)
    slow = replace(GOOD, recipe="slow", kept=1.0, decode_speedup=2.49)
    assert best_of([large, GOOD, finer, slow]).recipe == "finer"
    assert not large.is_good
    assert not slow.is_good


def test_if_none_reaches_all_the_nearest_is_chosen():
    slow = replace(GOOD, recipe="slow", decode_speedup=2.2)
    coarse = replace(GOOD, recipe="coarse", kept=0.5)
    assert best_of([coarse, slow]).recipe == "slow"
    assert min(slow.shares) == pytest.approx(2.2 / 2.5)


def test_the_targets_are_the_report_s():
    targets = TARGETS["quantize"]
    assert [targets[f"best_{name}"].value for name in ("size_ratio", "kept", "decode_speedup")] == [
        MOST_SIZE, LEAST_KEPT, LEAST_SPEEDUP,
    ]  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_recipe_is_made_and_measured(tmp_path: Path):
    from engine.bench.quantize import run

    report = run(BenchOptions(config=computing(home=tmp_path, threads=1), quick=True, shape="tiny"))
    figures = report.figures
    assert TARGETS["quantize"].keys() <= figures.keys()
    ids = [recipe.id for recipe in recipes_for("gguf")]
    assert figures["best"] in ids
    kept = [figures[f"{name}_kept"] for name in ids]
    assert all(isinstance(value, float) and 0.9 < value <= 1.0 for value in kept)
    divergences = [figures[f"{name}_kl_nats"] for name in ids]
    assert divergences == sorted(divergences)  # finest first
    assert all(figures[f"{name}_decode_speedup_tiny"] > 0 for name in ids)
    assert len(report.samples["q8_0_source_decode_per_s"]) == 3
    assert all(math.isfinite(value) for values in report.samples.values() for value in values)
    assert not list((tmp_path / "cache" / "bench").iterdir())
