"""The sampling that a model's author recommends, as llama.cpp's `general.sampling.*` keys say it."""

from dataclasses import replace

from engine.models.gguf import GgufHeader
from engine.requests import Sampling

_KEYS = {
    "temperature": ("temp", 0.0, 5.0),
    "top_p": ("top_p", 0.0, 1.0),
    "min_p": ("min_p", 0.0, 1.0),
    "repeat_penalty": ("penalty_repeat", 0.5, 3.0),
}
"""Field of `Sampling` -> key, least and most; a value outside is taken for a mistake and ignored."""

_MOST_TOP_K = 1 << 20


def recommended_sampling(header: GgufHeader) -> Sampling:
    """Return the defaults with what the file recommends instead."""
    sampling = Sampling()
    for name, (key, least, most) in _KEYS.items():
        value = header.metadata.get(f"general.sampling.{key}")
        if isinstance(value, float) and least <= value <= most:
            # The file holds 32-bit floats; rounding turns 0.20000000298 back into what was meant.
            sampling = replace(sampling, **{name: round(value, 6)})  # type: ignore[arg-type]  # the table's are floats
    top_k = header.number("general.sampling.top_k")
    return sampling if top_k is None or not 0 <= top_k <= _MOST_TOP_K else replace(sampling, top_k=top_k)
