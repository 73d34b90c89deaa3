"""The recommendation: the finest that leaves room and is not slow, with the reason in numbers."""

import pytest

from engine.footprint import Fit, FitVerdict
from engine.quantize.advice import advise
from engine.quantize.planning import Outcome
from engine.quantize.recipes import GGUF_RECIPES

SIZES = [8_500_000_000, 6_600_000_000, 5_700_000_000, 4_900_000_000, 4_600_000_000, 4_500_000_000, 3_900_000_000]
OUTCOMES = [Outcome(recipe, size, 16 / recipe.bits) for recipe, size in zip(GGUF_RECIPES, SIZES, strict=True)]


def verdicts(budget: int, rate: float | None = None) -> list[FitVerdict]:
    found = []
    for outcome in OUTCOMES:
        needed = outcome.size_bytes + 500_000_000
        found.append(
            FitVerdict(
                fit=Fit.FITS if needed <= budget else Fit.NO,
                sentence="",
                lines=(),
                needed_bytes=needed,
                budget_bytes=budget,
                budget_reason="",
                context_tokens=4096,
                tokens_per_s=rate * outcome.speedup if rate else None,
            )
        )
    return found


@pytest.mark.parametrize(
    ("budget", "rate", "recipe", "reason"),
    [
        (32_000_000_000, None, "q8_0", "finest that leaves room: it needs 9.00 GB of 32.0 GB"),
        (32_000_000_000, 4.0, "q8_0", "writes about 7.5 tokens per second"),
        (9_100_000_000, None, "q6_k", "finest that leaves room: it needs 7.10 GB of 9.10 GB"),
        (32_000_000_000, 2.0, "q4_k_m", "writes about 6.5 tokens per second"),
        (32_000_000_000, 0.5, "iq4_xs", "fastest one without a loss that shows"),
        (4_500_000_000, None, "q3_k_m", "needs least: 4.40 GB of 4.50 GB"),
        (1_000_000_000, None, "q3_k_m", "needs least: 4.40 GB of 1.00 GB"),
    ],
)
def test_what_is_recommended(budget: int, rate: float | None, recipe: str, reason: str) -> None:
    found = advise(OUTCOMES, verdicts(budget, rate))
    [chosen] = [forecast for forecast in found if forecast.is_recommended]
    assert chosen.recipe.id == recipe
    assert reason in chosen.reason
    assert all(forecast.reason for forecast in found)


def test_others_say_why_not() -> None:
    found = {forecast.recipe.id: forecast.reason for forecast in advise(OUTCOMES, verdicts(7_500_000_000, 2.2))}
    assert found["q8_0"] == "It does not fit: it needs 9.00 GB of 7.50 GB."
    assert found["q6_k"] == "It leaves hardly any room: it needs 7.10 GB of 7.50 GB."
    assert found["q5_k_m"].startswith("It is the finest that leaves room")
    assert found["q4_k_m"].startswith("It takes 86% of the recommended one's size")
    slow = {forecast.recipe.id: forecast.reason for forecast in advise(OUTCOMES, verdicts(32_000_000_000, 2.0))}
    assert slow["q8_0"] == "It would write about 3.8 tokens per second, slower than people read."
