"""Lists and objects of messages are counted as msgpack makes them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plugins.process.lists import has_more_lists

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text(max_size=300)
    | st.binary(max_size=300)
    | st.builds(msgspec.msgpack.Ext, st.integers(0, 127), st.binary(max_size=20)),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=40), inner, max_size=20),
    max_leaves=60,
)


def count(value):
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + sum(map(count, value)) if isinstance(value, list) else 0


@given(VALUES)
def test_they_are_counted(value):
    message = msgspec.msgpack.encode(value)
    there = count(value)
    if there:
        assert has_more_lists(message, there - 1)
    assert not has_more_lists(message, there)


@pytest.mark.parametrize("value", ["x" * 70_000, b"\x90" * 70_000, ["\x90" * 300] * 20, [0.5] * 70_000, ["a"] * 70_000])
def test_what_only_looks_like_lists_is_none(value):
    assert not has_more_lists(msgspec.msgpack.encode(value), 1)


def test_many_are_found_in_any_form():
    for one in ([], {}, [[]] * 20, {str(number): {} for number in range(20)}):
        assert has_more_lists(msgspec.msgpack.encode([one] * 70_000), 10_000)


@given(st.binary(max_size=100))
def test_random_bytes_are_no_trouble(message):
    assert has_more_lists(message, 0) in {True, False}
