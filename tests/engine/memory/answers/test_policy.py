import pytest

from engine.caching import CacheUse
from engine.memory.answers.policy import is_repeatable, keeps, takes, uses_cache
from engine.requests import Sampling
from engine.types import Placement

GREEDY, SEEDED, BY_CHANCE = Sampling(temperature=0), Sampling(seed=0), Sampling()
PLACEMENT = Placement(device="cpu", backend="x", threads=1, reason="")


def test_greedy_and_seeded_texts_are_repeatable():
    assert [is_repeatable(it) for it in (GREEDY, SEEDED, BY_CHANCE)] == [True, True, False]


@pytest.mark.parametrize(
    ("use", "samplings", "expected"),
    [
        (CacheUse.AUTO, (), True),  # an image, or a text to embed
        (CacheUse.AUTO, (GREEDY,), True),
        (CacheUse.AUTO, (SEEDED,), True),
        (CacheUse.AUTO, (BY_CHANCE,), False),
        (CacheUse.AUTO, (GREEDY, BY_CHANCE), False),  # a name that stands for two models
        (CacheUse.REPLAY, (BY_CHANCE,), True),
        (CacheUse.FRESH, (BY_CHANCE,), True),
        (CacheUse.OFF, (GREEDY,), False),
        (CacheUse.OFF, (), False),
    ],
)
def test_who_uses_the_cache(use: CacheUse, samplings: tuple[Sampling, ...], expected: bool):
    assert uses_cache(use, samplings) is expected


def test_fresh_answers_are_kept_and_not_taken():
    assert [use for use in CacheUse if takes(use)] == [CacheUse.AUTO, CacheUse.REPLAY]


def test_what_stepped_down_is_not_kept():
    assert keeps(PLACEMENT)
    assert not keeps(Placement(device="cpu", backend="x", threads=1, reason="", step_downs=("gpu:0 was lost.",)))
