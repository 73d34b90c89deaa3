from hypothesis import given, settings
from hypothesis import strategies as st

from engine.memory.answers.memory_tier import MOST_ENTRIES, MOST_SHARE, MemoryTier

LIMIT = 40_000

operations = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 60), st.integers(0, 2000)),
        st.tuples(st.just("get"), st.integers(0, 60), st.just(0)),
        st.tuples(st.just("limit"), st.just(0), st.integers(0, 2 * LIMIT)),
    ),
    max_size=80,
)


def name(number: int) -> bytes:
    return number.to_bytes(32, "big")


@settings(max_examples=100, deadline=None)
@given(operations)
def test_it_never_takes_more_than_its_limit_and_never_says_what_was_not_put(doings):
    tier, put = MemoryTier(LIMIT), {}
    for what, number, size in doings:
        if what == "put":
            put[name(number)] = bytes([number]) * size
            tier.put(name(number), put[name(number)])
        elif what == "get":
            assert tier.get(name(number)) in {None, put.get(name(number))}
        else:
            tier.set_limit(size)
        assert tier.size_bytes <= tier.limit_bytes


def test_it_never_has_more_than_1024_entries():
    tier = MemoryTier(1 << 30)
    for number in range(MOST_ENTRIES + 10):
        tier.put(name(number), b"x")
    assert len(tier) == MOST_ENTRIES
    assert tier.get(name(9)) is None
    assert tier.get(name(10)) == b"x"


def test_what_was_used_last_stays():
    tier = MemoryTier(LIMIT)
    for number in range(40):
        tier.put(name(number), bytes(800))
        tier.get(name(0))
    assert tier.get(name(0)) is not None
    assert tier.get(name(1)) is None
    tier.set_limit(tier.size_bytes // 4)
    assert len(tier) == 0  # every entry is more than its share of so little


def test_a_smaller_limit_keeps_what_was_used_last():
    tier = MemoryTier(LIMIT)
    for number in range(30):
        tier.put(name(number), bytes(300))
    tier.get(name(5))
    tier.set_limit(LIMIT // 2 + 10_000)
    assert tier.get(name(29)) is not None
    assert tier.get(name(5)) is not None


def test_an_entry_larger_than_its_share_is_not_kept_and_takes_an_older_one_with_it():
    tier = MemoryTier(LIMIT)
    tier.put(name(1), b"old")
    tier.put(name(1), bytes(int(MOST_SHARE * LIMIT)))
    assert tier.get(name(1)) is None


def test_without_a_limit_it_keeps_nothing():
    tier = MemoryTier(0)
    tier.put(name(1), b"")
    assert (len(tier), tier.get(name(1))) == (0, None)
