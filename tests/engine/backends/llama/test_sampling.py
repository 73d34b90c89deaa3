"""Choosing tokens: the fast ways must choose what the slow ways would."""

import numpy as np
import pytest

from engine.backends.llama.sampling import ChainSampler, GreedySampler, SamplerRecipe, Shortlist, build_sampler
from engine.types import Sampling


@pytest.fixture
def vocabulary(tiny):
    return tiny._vocabulary


@pytest.fixture
def logits(vocabulary):
    rng = np.random.default_rng(3)
    return [rng.standard_normal(vocabulary.size).astype(np.float32) * 4 for _ in range(50)]


def chosen(sampling: Sampling, vocabulary, logits, prompt=(1,), seed=1) -> list[int]:
    sampler = build_sampler(SamplerRecipe(sampling=sampling, seed=seed), vocabulary, prompt)
    try:
        return [sampler.choose(row.copy()) for row in logits]
    finally:
        sampler.close()


def test_temperature_zero_takes_the_most_likely_token(vocabulary, logits):
    assert chosen(Sampling(temperature=0), vocabulary, logits) == [int(row.argmax()) for row in logits]


def test_temperature_zero_ignores_the_other_settings(vocabulary, logits):
    odd = Sampling(temperature=0, top_k=3, top_p=0.1, min_p=0.9)
    assert chosen(odd, vocabulary, logits) == chosen(Sampling(temperature=0), vocabulary, logits)


@pytest.mark.parametrize(
    "narrow", [{"top_k": 1}, {"top_k": 0, "top_p": 1e-6}, {"top_k": 0, "top_p": 1.0, "min_p": 1.0}]
)
def test_the_narrowest_settings_are_greedy(vocabulary, logits, narrow):
    assert chosen(Sampling(**narrow), vocabulary, logits) == [int(row.argmax()) for row in logits]


def test_only_the_k_most_likely_are_drawn(vocabulary, logits):
    drawn = chosen(Sampling(top_k=5, temperature=5, min_p=0, top_p=1), vocabulary, logits)
    for row, token in zip(logits, drawn, strict=True):
        assert token in np.argsort(-row)[:5]


def test_a_high_temperature_draws_more_kinds_of_tokens(vocabulary, logits):
    same = [logits[0]] * 60
    wide = chosen(Sampling(temperature=5, top_k=0, top_p=1, min_p=0), vocabulary, same)
    narrow = chosen(Sampling(temperature=0.2, top_k=0, top_p=1, min_p=0), vocabulary, same)
    assert len(set(wide)) > len(set(narrow))


def test_the_seed_decides_the_draw(vocabulary, logits):
    draws = [chosen(Sampling(temperature=2), vocabulary, logits, seed=seed) for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_the_shortlist_changes_nothing(vocabulary, logits):
    recipe = SamplerRecipe(sampling=Sampling(temperature=1.5, top_k=20), seed=4)
    short, full = (ChainSampler(recipe, vocabulary, (1,)) for _ in range(2))
    assert short._shortlist is not None
    full._shortlist = None
    try:
        assert [short.choose(row.copy()) for row in logits] == [full.choose(row.copy()) for row in logits]
    finally:
        short.close()
        full.close()


def test_the_shortlist_holds_the_most_likely_tokens_and_adapts():
    rng = np.random.default_rng(0)
    shortlist, lengths = Shortlist(40), []
    for scale in [0.2] * 40 + [8.0] * 40:
        row = rng.standard_normal(32_000).astype(np.float32) * scale
        ids = shortlist.find(row)
        if ids is not None:
            assert set(np.argsort(-row)[:40]) <= set(ids)
        lengths.append(None if ids is None else len(ids))
    for settled in (lengths[30:40], lengths[70:]):
        assert sum(length is not None and length < 1_000 for length in settled) >= 7


def test_bias_adds_to_the_logit(vocabulary, logits):
    for temperature in (0, 0.5):
        assert set(chosen(Sampling(temperature=temperature, logit_bias={7: 100.0}), vocabulary, logits)) == {7}
        assert 7 not in chosen(Sampling(temperature=temperature, logit_bias={7: -1000.0}), vocabulary, logits)


def test_penalties_make_repeated_tokens_less_likely(vocabulary):
    row = np.zeros(vocabulary.size, np.float32)
    row[[10, 11, 12]] = 5.0, 4.9, 4.8
    assert chosen(Sampling(temperature=0), vocabulary, [row] * 3) == [10, 10, 10]
    for penalty in ({"presence_penalty": 1.0}, {"frequency_penalty": 1.0}, {"repeat_penalty": 1.5}):
        assert chosen(Sampling(temperature=0, **penalty), vocabulary, [row] * 3) == [10, 11, 12]


def test_penalties_look_at_the_prompt_and_only_so_far_back(vocabulary):
    row = np.zeros(vocabulary.size, np.float32)
    row[[10, 11]] = 5.0, 4.9
    near = Sampling(temperature=0, presence_penalty=1.0, penalty_last_tokens=2)
    assert chosen(near, vocabulary, [row], prompt=(10, 30)) == [11]
    assert chosen(near, vocabulary, [row], prompt=(10, 30, 31)) == [10]


def test_no_penalty_window_means_no_penalty(vocabulary):
    recipe = SamplerRecipe(sampling=Sampling(temperature=0, repeat_penalty=2, penalty_last_tokens=0), seed=1)
    assert isinstance(build_sampler(recipe, vocabulary, (1,)), GreedySampler)


def test_closing_twice_is_safe(vocabulary):
    sampler = build_sampler(SamplerRecipe(sampling=Sampling(), seed=1, grammar='root ::= "a"'), vocabulary, (1,))
    sampler.close()
    sampler.close()
