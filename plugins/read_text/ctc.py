"""Turn the per-frame output of a line reader into text.

Source: Graves et al. 2006, "Connectionist Temporal Classification" (best-path decoding).
"""

import numpy as np

from engine.plugins.api import FloatArray

BLANK = 0
"""Class that says "nothing new here"; class i + 1 is the charset's i-th character."""


def greedy_decode(probabilities: FloatArray, charset: str) -> tuple[str, float]:
    """Take the best class of each frame, merge repeats and drop blanks.

    Args:
        probabilities: float32, shape (frames, len(charset) + 1), rows sum to 1.
        charset: the characters, in the order of the classes.

    Returns:
        The text, single spaces between words and none at either end, and the mean probability of its characters; 0 if
        there are none.
    """
    best = probabilities.argmax(axis=1)
    starts = np.flatnonzero(np.diff(best, prepend=-1))
    ends = np.append(starts[1:], len(best))
    characters: list[str] = []
    scores: list[float] = []
    for start, end in zip(starts, ends, strict=True):
        if (label := int(best[start])) != BLANK:
            characters.append(charset[label - 1])
            scores.append(float(probabilities[start:end, label].max()))
    text = " ".join("".join(characters).split())
    return text, float(np.mean(scores)) if text else 0.0
