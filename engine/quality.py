"""Frozen values about making models smaller: recipes, and what a smaller model kept."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A way to make a model smaller.

    Attributes:
        id: `q8_0`, `q5_k_m`, ... of GGUF; `int8`, `int8-static`, `int4` of ONNX.
        name: by intent: `INT8`, `Balanced`, `Small`, ...
        format: of the models that it is for.
        bits: per weight, about.
        explanation: what it is good for, in one sentence.
        needs_calibration: whether it looks at how the model computes a text (or pictures) first.
    """

    id: str
    name: str
    format: Literal["gguf", "onnx"]
    bits: float
    explanation: str
    needs_calibration: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeForecast:
    """What a recipe would make of a model here, before it is tried.

    Attributes:
        recipe: which.
        size_bytes: of the result, about.
        speedup: of writing an answer, over the source; by the bytes that are read for each token.
        is_recommended: whether it is what Hearth would take for this machine; of one model, one recipe is.
        reason: why, or why not, in one sentence.
    """

    recipe: Recipe
    size_bytes: int
    speedup: float
    is_recommended: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """What a smaller model kept of its source, computed on this machine, side by side in one run.

    Attributes:
        recipe: id of the recipe.
        source: name of the source.
        source_sha256: of its file.
        text: which held-out text (or pictures) it was measured on.
        tokens: of that text; pictures for vision models.
        size_ratio: bytes of the result over those of the source.
        source_bytes: size of the source.
        result_bytes: size of the result.
        perplexity_ratio: exp(mean loss) of the result over that of the source; None for models that write no text.
        kl_divergence: mean Kullback-Leibler divergence of the next token, nats; None as above.
        same_top_share: of tokens (or pictures) for which both prefer the same, in [0, 1].
        kept: 1 - (perplexity_ratio - 1), at most 1; of vision models the share of the source's score.
        task_score: of the result, by the measure that its card names; None if it names none.
        source_task_score: the same of the source.
        decode_speedup: tokens per second of writing, over the source; images per second for vision models.
        prefill_speedup: tokens per second of reading a prompt, over the source; None for vision models.
        decode_per_s: tokens (or images) per second of the result.
        source_decode_per_s: the same of the source.
        memory_bytes: of the loaded result.
        source_memory_bytes: of the loaded source.
        machine: processor that it was measured on.
        measured_at: seconds since 1970.
    """

    recipe: str
    source: str
    source_sha256: str
    text: str
    tokens: int
    size_ratio: float
    source_bytes: int
    result_bytes: int
    perplexity_ratio: float | None
    kl_divergence: float | None
    same_top_share: float
    kept: float
    task_score: float | None = None
    source_task_score: float | None = None
    decode_speedup: float
    prefill_speedup: float | None
    decode_per_s: float
    source_decode_per_s: float
    memory_bytes: int
    source_memory_bytes: int
    machine: str
    measured_at: float
