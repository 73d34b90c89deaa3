"""Best-path decoding."""

import numpy as np
import pytest

from plugins.read_text.ctc import greedy_decode


def frames(labels: list[int], certain: float = 0.9) -> np.ndarray:
    table = np.full((len(labels), 4), (1 - certain) / 3, dtype=np.float32)
    table[np.arange(len(labels)), labels] = certain
    return table


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ([0, 0, 0], ""),
        ([1], "a"),
        ([1, 1, 1], "a"),
        ([1, 0, 1], "aa"),
        ([0, 1, 2, 2, 0, 1], "aba"),
        ([3, 1, 3, 0, 3, 2, 3], "a b"),
    ],
)
def test_repeats_merge_and_blanks_part(labels: list[int], text: str) -> None:
    assert greedy_decode(frames(labels), "ab ")[0] == text


def test_score_is_the_mean_of_the_characters_best_frames() -> None:
    table = np.concatenate([frames([1], 0.5), frames([1], 0.7), frames([0]), frames([2], 0.9)])
    assert greedy_decode(table, "ab ") == ("ab", pytest.approx(0.8))
    assert greedy_decode(frames([0]), "ab ") == ("", 0.0)
