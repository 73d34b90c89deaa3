"""What would make a model fit really does."""

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.footprint import Fit
from engine.memory.fit_remedies import Budget, RemedyKind, fit_of, remedies, rounded_up
from engine.memory.load_size import LoadSize
from tests.engine.memory.shapes import MB, graph_model, text_model
from tests.engine.memory.test_fit import GB, ORDER, budgets, graphs, models


@settings(deadline=None, max_examples=60)
@given(size=st.one_of(models, graphs), budget=budgets, is_set=st.booleans())
def test_a_remedy_makes_it_fit_better(size: LoadSize, budget: int, is_set: bool) -> None:
    now = fit_of(size, budget)
    for remedy in remedies(size, Budget(size_bytes=budget, is_set=is_set, machine_bytes=64 * GB)):
        assert fit_of(remedy.size, remedy.budget_bytes) is remedy.fit
        assert ORDER[remedy.fit] > ORDER[now]


def kinds(size: LoadSize, budget: Budget) -> list[RemedyKind]:
    return [remedy.kind for remedy in remedies(size, budget)]


def test_the_least_loss_comes_first() -> None:
    size = text_model(kv_bytes=262_144, sequences=1)
    budget = Budget(size_bytes=size.least_bytes - 250 * MB, machine_bytes=64 * GB)
    assert fit_of(size, budget.size_bytes) is Fit.PAGING
    assert kinds(size, budget) == [RemedyKind.CONTEXT, RemedyKind.QUANTIZATION, RemedyKind.CLOSE]


def test_a_budget_that_was_set_is_what_is_raised() -> None:
    size = graph_model()
    budget = Budget(size_bytes=size.least_bytes - 1, is_set=True, machine_bytes=64 * GB)
    [remedy] = remedies(size, budget)
    assert remedy.kind is RemedyKind.BUDGET
    assert f"at least {rounded_up(size.least_bytes) // MB} MB" in remedy.sentence


def test_where_one_change_is_not_enough_two_are_offered() -> None:
    size = text_model(kv_bytes=524_288, kind="f16", can_page=False)
    budget = Budget(size_bytes=900 * MB, machine_bytes=GB)
    found = remedies(size, budget)
    assert [remedy.kind for remedy in found] == [RemedyKind.BOTH, RemedyKind.MACHINE]
    assert "Use a context of" in found[0].sentence
    assert "take it as" in found[0].sentence


def test_what_fits_needs_none() -> None:
    size = text_model()
    assert fit_of(size, size.least_bytes) is Fit.FITS
    assert kinds(size, Budget(size_bytes=size.least_bytes)) == []
