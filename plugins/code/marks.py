"""How code models mark a gap: which tokens stand around the text before and after it, and in which order."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from engine.plugins.api import ModelFacts


@dataclass(frozen=True, slots=True)
class Style:
    """The marks of one family, as texts of tokens.

    Attributes:
        prefix: before the text before the gap.
        suffix: before the text after the gap.
        middle: where the answer begins; empty if the text before the gap comes last and the answer follows it at once.
        stop: what these models write when the gap is full, beside their end token.
    """

    prefix: str
    suffix: str
    middle: str
    stop: tuple[str, ...] = ()


_QWEN_STOPS: Final = (
    "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>",
    "<|cursor|>",
)  # fmt: skip
_STAR_STOPS: Final = ("<fim_pad>", "<file_sep>", "<repo_name>", "<filename>", "<reponame>", "<|endoftext|>")

STYLES: Final = (
    Style("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", _QWEN_STOPS),  # Qwen2.5-Coder, CodeGemma, Yi-Coder
    Style("<fim_prefix>", "<fim_suffix>", "<fim_middle>", _STAR_STOPS),  # StarCoder, Granite Code, Stable Code
    Style("<fim-prefix>", "<fim-suffix>", "<fim-middle>", ("<fim-pad>", "<|endoftext|>")),  # SantaCoder, Seed-Coder
    Style("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),  # DeepSeek-Coder
    Style("<|fim▁begin|>", "<|fim▁hole|>", "<|fim▁end|>"),
    Style("▁<PRE>", "▁<SUF>", "▁<MID>", ("<EOT>", "▁<EOT>")),  # CodeLlama
    Style("<PRE>", "<SUF>", "<MID>", ("<EOT>",)),
    Style("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),  # GLM-4
    Style("<|fim_begin|>", "<|fim_hole|>", "<|fim_end|>"),
    Style("[PREFIX]", "[SUFFIX]", ""),  # Codestral
)

_KEYS: Final = (("fim_pre_token_id", "prefix_token_id"), ("fim_suf_token_id", "suffix_token_id"),
                ("fim_mid_token_id", "middle_token_id"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one model, as token ids; `middle` None means: text after the gap first, then the text before it."""

    prefix: int
    suffix: int
    middle: int | None
    stop: tuple[str, ...] = ()


def marks_of(facts: ModelFacts) -> Marks | None:
    """Find a model's marks: those that its file names, else those in its vocabulary; None if it has none."""
    style = next((style for style in STYLES if _has(style, facts.special_tokens)), None)
    named = [_named(facts, keys) for keys in _KEYS]
    stop = style.stop if style else ()
    if named[0] is not None and named[1] is not None and named[2] is not None:
        return Marks(named[0], named[1], named[2], stop)
    if style is None:
        return None
    tokens = facts.special_tokens
    return Marks(tokens[style.prefix], tokens[style.suffix], tokens[style.middle] if style.middle else None, stop)


def _has(style: Style, tokens: Mapping[str, int]) -> bool:
    return all(mark in tokens for mark in (style.prefix, style.suffix, style.middle) if mark)


def _named(facts: ModelFacts, keys: tuple[str, ...]) -> int | None:
    for key in keys:
        value = facts.metadata.get(f"tokenizer.ggml.{key}")
        if isinstance(value, int) and value >= 0:
            return value
    return None
