"""Which recipe `hearth bench quantize` calls the best: one that reaches all three targets, or comes nearest. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST_SIZE: Final = 0.40
LEAST_KEPT: Final = 0.98
LEAST_SPEEDUP: Final = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A recipe with what counts.

    Attributes:
        recipe: its id.
        size_ratio: of the result over F16; where two models were made, the larger.
        kept: of the quality.
        decode_speedup: over F16.
    """

    recipe: str
    size_ratio: float
    kept: float
    decode_speedup: float

    @property
    def shares(self) -> tuple[float, float, float]:
        """How far each target is reached: 1 or more if it is."""
        return MOST_SIZE / self.size_ratio, self.kept / LEAST_KEPT, self.decode_speedup / LEAST_SPEEDUP

    @property
    def is_good(self) -> bool:
        """Whether all targets are reached at once."""
        return min(self.shares) >= 1


def best_of(candidates: Sequence[Candidate]) -> Candidate:
    """Choose: of those that reach all targets the one that keeps most, else the one that misses its worst by least."""
    good = [candidate for candidate in candidates if candidate.is_good]
    if good:
        return max(good, key=lambda candidate: candidate.kept)
    return max(candidates, key=lambda candidate: min(candidate.shares))
