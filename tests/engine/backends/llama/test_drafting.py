"""Drafts: what is proposed, how much, and for whom."""

from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from engine.backends.llama.drafting import (
    DRAFT_ROWS,
    LONGEST_DRAFT,
    DraftCounts,
    Drafter,
    DraftLength,
    PromptLookup,
    share_rows,
)

Texts = st.lists(st.integers(0, 4), max_size=60)  # few different tokens: they repeat by themselves
Most = st.integers(-1, 2 * LONGEST_DRAFT)


def searched(tokens: list[int], most: int) -> tuple[int, ...]:
    """What stands behind the latest occurrence of the last three tokens, or else two, that is not the end itself."""
    for length in (3, 2):
        for end in range(len(tokens) - 1, length - 1, -1):
            if tokens[end - length : end] == tokens[-length:]:
                text = list(tokens)
                for place in range(most):
                    text.append(text[end + place])
                return tuple(text[len(tokens) :])
    return ()


@given(Texts, Texts, Most)
def test_a_proposal_is_what_a_search_through_the_whole_text_finds(prompt: list[int], answer: list[int], most: int):
    lookup = PromptLookup(prompt)
    text = list(prompt)
    assert lookup.propose(most) == searched(text, most)
    for token in answer:
        lookup.push(token)
        text.append(token)
        proposed = lookup.propose(most)
        assert proposed == searched(text, most)
        assert len(proposed) <= max(0, most)
        assert set(proposed) <= set(text)


@given(Texts, st.lists(st.booleans(), min_size=60, max_size=60))
def test_it_does_not_matter_when_one_looks(text: list[int], looks: list[bool]):
    lookup = PromptLookup()
    for token, looked in zip(text, looks, strict=False):
        lookup.push(token)
        if looked:
            lookup.propose(4)
    assert lookup.propose(8) == searched(text, 8)


def test_a_token_is_looked_at_once():
    class Counted(int):
        hashes = 0

        def __hash__(self) -> int:
            Counted.hashes += 1
            return int(self)

    lookup = PromptLookup(map(Counted, range(1000)))
    lookup.propose(4)
    before = Counted.hashes
    for token in range(100):
        lookup.push(Counted(token))
        lookup.propose(4)
    assert Counted.hashes - before <= 100 * 10  # a pair and a triple kept, a pair and a triple looked up


@given(st.lists(st.tuples(st.integers(1, LONGEST_DRAFT), st.floats(0, 1)), max_size=100))
def test_a_length_stays_within_bounds_and_never_rests_for_ever(outcomes: list[tuple[int, float]]):
    length = DraftLength()
    for most, share in outcomes:
        picked = min(most, length.pick())
        assert 0 <= picked <= LONGEST_DRAFT
        if picked:
            length.judge(picked, int(share * picked))
    assert any(length.pick() for _ in range(64))


def test_it_grows_while_drafts_are_accepted_and_follows_what_was():
    length = DraftLength()
    lengths = []
    for _ in range(6):
        lengths.append(length.pick())
        length.judge(lengths[-1], lengths[-1])
    assert lengths == sorted(lengths)
    assert lengths[-1] == LONGEST_DRAFT
    length.judge(LONGEST_DRAFT, 11)
    assert length.pick() == 11
    length.judge(11, 2)
    assert length.pick() == 5


def test_text_that_never_repeats_costs_next_to_nothing():
    length = DraftLength()
    drafted = 0
    for _ in range(400):
        if picked := length.pick():
            drafted += picked
            length.judge(picked, 0)
    assert drafted <= 20
    rests = 0
    while not length.pick():
        rests += 1
    length.judge(1, 1)
    assert length.pick() > 1, "one that fits ends the caution"
    assert rests <= 32


def test_a_short_share_of_rows_does_not_make_it_smaller():
    length = DraftLength()
    for _ in range(5):
        length.judge(length.pick(), length.pick())
    length.judge(2, 2)
    assert length.pick() == LONGEST_DRAFT


def test_a_text_that_goes_round_is_drafted_round_and_round():
    drafter = Drafter((1, 2, 3))
    tokens = deque((1, 2, 3))
    longest = 0
    for _ in range(60):
        draft = drafter.draft(LONGEST_DRAFT)
        longest = max(longest, len(draft))
        for token in draft:
            assert token == tokens[0]
            tokens.rotate(-1)
            drafter.push(token)
        if draft:
            drafter.judge(len(draft), len(draft))
        drafter.push(tokens[0])
        tokens.rotate(-1)
    assert longest == LONGEST_DRAFT
    assert drafter.draft(0) == ()


@given(st.lists(st.integers(0, LONGEST_DRAFT), max_size=12), st.integers(0, 3 * DRAFT_ROWS))
def test_rows_are_shared_fairly_and_all_of_them_used(wanted: list[int], rows: int):
    shares = share_rows(wanted, rows)
    assert all(0 <= share <= want for share, want in zip(shares, wanted, strict=True))
    assert sum(shares) == min(rows, sum(wanted))
    cut = [share for share, want in zip(shares, wanted, strict=True) if share < want]
    assert max(cut, default=0) - min(cut, default=0) <= 1
    assert max(shares, default=0) <= min(cut, default=LONGEST_DRAFT) + 1


def test_counts_add_up():
    assert DraftCounts().plus(4, 2).plus(1, 0) == DraftCounts(5, 2)
