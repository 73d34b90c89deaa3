"""The index against a search through all states."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.memory.prefixes.index import BLOCK_TOKENS, PrefixIndex


class State:
    """A state that is nothing but its tokens."""

    def __init__(self, tokens) -> None:
        self.tokens = np.array(tokens, np.int32)


def common(first, second) -> int:
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return length


def longest_by_hand(states, prompt, *, whole) -> int:
    found = 0
    for state in states:
        length = min(common(state.tokens, prompt), len(prompt) - 1)
        if length >= BLOCK_TOKENS and (not whole or length == len(state.tokens)):
            found = max(found, length)
    return found


# Few different tokens in long runs, so that beginnings are shared and end anywhere in a block.
texts = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 45)), min_size=1, max_size=5).map(
    lambda runs: [token for token, count in runs for _ in range(count)]
)
states = st.lists(texts.filter(lambda text: len(text) >= BLOCK_TOKENS), max_size=12)


@pytest.mark.parametrize("whole", [False, True])
@settings(deadline=None)
@given(states=states, gone=st.integers(0, 6), prompt=texts)
def test_the_longest_prefix_is_found(states, gone, prompt, whole):
    index = PrefixIndex(whole=whole)
    kept = [State(tokens) for tokens in states]
    for state in kept:
        index.add(state)
    for state in kept[:gone]:
        index.remove(state)
        index.remove(state)  # twice does no harm
    found, shared = index.longest(tuple(prompt))
    assert shared == longest_by_hand(kept[gone:], prompt, whole=whole)
    assert (found is None) == (shared == 0)
    if found is not None:
        assert found in kept[gone:]
        assert min(common(found.tokens, prompt), len(prompt) - 1) == shared


@settings(deadline=None)
@given(states=states, new=texts.filter(lambda text: len(text) >= BLOCK_TOKENS))
def test_what_a_new_state_makes_needless_is_its_beginnings(states, new):
    index = PrefixIndex(whole=False)
    kept = [State(tokens) for tokens in states]
    for state in kept:
        index.add(state)
    beginnings = [state for state in kept if common(state.tokens, new) == len(state.tokens)]
    assert sorted(map(id, index.covered_by(np.array(new, np.int32)))) == sorted(map(id, beginnings))
    longer = any(len(state.tokens) > len(new) and common(state.tokens, new) == len(new) for state in kept)
    assert index.covered(np.array(new, np.int32)) == longer


def test_models_that_cannot_rewind_need_every_state():
    index = PrefixIndex(whole=True)
    short, equal = State(range(40)), State(range(80))
    index.add(short)
    index.add(equal)
    new = np.arange(80, dtype=np.int32)
    assert index.covered_by(new) == [equal]
    assert not index.covered(new[:40])
    assert index.longest(range(60)) == (short, 40)


def test_less_than_a_block_is_not_looked_for():
    index = PrefixIndex(whole=False)
    index.add(State(range(100)))
    assert index.longest(range(BLOCK_TOKENS)) == (None, 0)  # the last token never counts
    assert index.longest(range(BLOCK_TOKENS + 1))[1] == BLOCK_TOKENS


def test_many_states_cost_no_more_than_few():
    index = PrefixIndex(whole=False)
    system = list(range(200))
    for number in range(2000):
        index.add(State([*system, number % 7, *range(number, number + 300)]))
    prompt = (*system, 1501 % 7, *range(1501, 1801), 9, 9)
    timings = []
    for _ in range(5):
        began = time.perf_counter()
        found, shared = index.longest(prompt)
        timings.append(time.perf_counter() - began)
    assert found is not None
    assert shared >= 480
    assert min(timings) < 1e-3
