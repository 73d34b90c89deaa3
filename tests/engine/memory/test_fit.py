"""The fit verdict: its lines, its order, and its promises."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.footprint import Fit
from engine.memory.fit import Budget, Pace, verdict
from engine.memory.fit_remedies import fit_of
from engine.memory.load_size import Correction, LoadSize
from engine.types import Accepts
from tests.engine.memory.shapes import MB, graph_model, text_model

ORDER = {Fit.NO: 0, Fit.PAGING: 1, Fit.FITS: 2}
GB = 1000 * MB

models = st.builds(
    text_model,
    layers=st.integers(2, 40),
    layer_mb=st.integers(1, 300),
    kind=st.sampled_from(["q8_0", "q4_k", "f16"]),
    kv_bytes=st.sampled_from([1024, 65_536, 524_288]),
    context=st.integers(16, 32_768),
    sequences=st.integers(1, 16),
    can_page=st.booleans(),
)
graphs = st.builds(graph_model, st.integers(1, 2000))
budgets = st.integers(1 * MB, 20 * GB)


def of(size: LoadSize, budget: int, pace: Pace | None = None):
    return verdict(size, Budget(size_bytes=budget, is_set=True, machine_bytes=64 * GB), pace)


@settings(deadline=None, max_examples=60)
@given(size=st.one_of(models, graphs), budget=budgets)
def test_lines_sum_up_and_what_fits_stays_within_the_budget(size: LoadSize, budget: int) -> None:
    found = of(size, budget)
    assert found.needed_bytes == sum(line.size_bytes for line in found.lines)
    assert (found.needed_bytes <= budget) == (found.fit is not Fit.NO)
    assert bool(found.streamed_bytes) == (found.fit is Fit.PAGING)
    assert bool(found.remedies) == (found.fit is not Fit.FITS)


@settings(deadline=None, max_examples=60)
@given(size=st.one_of(models, graphs), budgets=st.lists(budgets, min_size=2, max_size=6))
def test_more_memory_is_never_worse(size: LoadSize, budgets: list[int]) -> None:
    fits = [ORDER[fit_of(size, budget)] for budget in sorted(budgets)]
    assert fits == sorted(fits)


@settings(deadline=None, max_examples=60)
@given(size=models, contexts=st.lists(st.integers(16, 65_536), min_size=2, max_size=5), budget=budgets)
def test_a_longer_context_is_never_better(size: LoadSize, contexts: list[int], budget: int) -> None:
    sizes = [replace(size, options=replace(size.options, context_tokens=context)) for context in sorted(contexts)]
    fits = [ORDER[fit_of(one, budget)] for one in sizes]
    assert fits == sorted(fits, reverse=True)


@settings(deadline=None, max_examples=60)
@given(size=models, budget=budgets)
def test_only_text_models_whose_layers_lie_apart_are_paged(size: LoadSize, budget: int) -> None:
    found = of(size, budget)
    if size.layout is None:
        assert found.fit is not Fit.PAGING
    if found.fit is Fit.PAGING:
        assert size.least_bytes > budget
        assert found.pinned_bytes + found.streamed_bytes <= size.weight_bytes + 4096 * 100


def test_what_makes_vectors_and_graphs_are_not_paged() -> None:
    embedder = text_model(accepts=frozenset({Accepts.TEXTS}))
    assert of(embedder, embedder.least_bytes - 1).fit is Fit.NO
    graph = graph_model()
    assert of(graph, graph.least_bytes - 1).fit is Fit.NO
    assert of(graph, graph.least_bytes).fit is Fit.FITS


def test_speeds_are_said_where_they_are_known() -> None:
    size = text_model()
    pace = Pace(token_s=0.05, disk_bytes_per_s=lambda: 1e9)
    fits = of(size, 10 * GB, pace)
    assert fits.tokens_per_s == pytest.approx(20)
    assert "at about 20 tokens per second" in fits.sentence
    paged = of(size, size.least_bytes - 300 * MB, pace)
    assert paged.fit is Fit.PAGING
    assert paged.tokens_per_s == pytest.approx(min(20, 1e9 / paged.streamed_bytes))
    assert "are read per token" in paged.sentence
    assert of(size, 10 * GB).tokens_per_s is None
    unknown = Pace(disk_bytes_per_s=lambda: 1e9)
    assert "at up to" in of(size, size.least_bytes - 300 * MB, unknown).sentence


def test_the_disk_is_not_asked_for_what_fits_or_cannot_fit() -> None:
    def never() -> float:
        raise AssertionError("nobody needs that")

    size = text_model()
    assert of(size, 10 * GB, Pace(disk_bytes_per_s=never)).fit is Fit.FITS
    assert of(size, 50 * MB, Pace(disk_bytes_per_s=never)).fit is Fit.NO


def test_corrections_change_the_lines_and_are_said() -> None:
    size = text_model()
    plain = of(size, 10 * GB)
    corrected = of(replace(size, correction=Correction(kv=0.5)), 10 * GB)
    assert (plain.is_corrected, corrected.is_corrected) == (False, True)
    kv = [line.size_bytes for found in (plain, corrected) for line in found.lines if line.name == "KV cache"]
    assert kv[1] == kv[0] // 2
