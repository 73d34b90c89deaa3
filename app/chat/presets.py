"""Named ways to draw tokens, for people who do not want to know what top-p is."""

from dataclasses import dataclass

from engine.types import Sampling


@dataclass(frozen=True, slots=True)
class Preset:
    """A sampling with a name and the reason to choose it."""

    name: str
    hint: str
    sampling: Sampling | None


PRESETS = (
    Preset("Default", "What the model recommends", None),
    Preset("Precise", "Always the most likely words; for code and facts", Sampling(temperature=0.0)),
    Preset(
        "Creative", "More surprising words; for stories and ideas", Sampling(temperature=1.2, top_k=100, min_p=0.02)
    ),
)

THINKING: dict[str, bool | None] = {"As the model likes": None, "Think first": True, "Answer at once": False}
"""Whether a model thinks before it answers, for those that let one choose."""
