"""Two lanes on one processor."""

import pytest

from engine.scheduling.core_shares import GRAPHS, TEXT, CoreShares


@pytest.mark.parametrize(("cores", "text", "graphs"), [(1, 1, 1), (2, 1, 1), (3, 2, 1), (8, 4, 4), (9, 5, 4)])
def test_while_both_work_each_has_cores_of_its_own(cores: int, text: int, graphs: int):
    shares = CoreShares(cores)
    for lane in (TEXT, GRAPHS):
        assert shares.cores_of(lane) == cores
    shares.enter(TEXT)
    shares.enter(GRAPHS)
    assert (shares.cores_of(TEXT), shares.cores_of(GRAPHS)) == (text, graphs)
    assert text + graphs == cores or cores == 1
    shares.leave(GRAPHS)
    assert shares.cores_of(TEXT) == cores


def test_a_lane_that_leaves_twice_or_never_came_changes_nothing():
    shares = CoreShares(4)
    shares.leave(GRAPHS)
    shares.enter(TEXT)
    shares.enter(TEXT)
    shares.leave(TEXT)
    assert shares.cores_of(GRAPHS) == 4
