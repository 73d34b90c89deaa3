"""How code models mark a gap: which tokens stand around the text before and after it, and in which order."""

from dataclasses import dataclass
from typing import Final

from engine.plugins.api import ModelFacts


@dataclass(frozen=True, slots=True)
class Style:
    """The marks of one family, as texts of tokens.

    Attributes:
        prefix: before the text before the gap.
        suffix: before the text after the gap.
        middle: where the answer begins; empty if it follows the text before the gap at once.
        suffix_first: whether the text after the gap comes first.
        name: pattern in the name of models of this family, whose marks others have without having learned them.
        stop: what these models write when the gap is full, beside their end token.
    """

    prefix: str
    suffix: str
    middle: str
    suffix_first: bool = False
    name: str = ""
    stop: tuple[str, ...] = ()


_QWEN_STOPS: Final = (
    "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>", "<|file_separator|>", "<|fim_prefix|>", "<|fim_suffix|>",
    "<|fim_middle|>", "<|cursor|>", "<|endoftext|>", "<|im_end|>",
)  # fmt: skip
_STAR_STOPS: Final = (
    "<fim_pad>", "<file_sep>", "<repo_name>", "<filename>", "<reponame>", "<fim_prefix>", "<fim_suffix>",
    "<fim_middle>", "<|endoftext|>",
)  # fmt: skip
_STAR: Final = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")

STYLES: Final = (
    Style(
        "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", stop=_QWEN_STOPS
    ),  # Qwen2.5-Coder, CodeGemma, Granite 4
    Style(*_STAR, suffix_first=True, name="mellum", stop=_STAR_STOPS),
    Style(*_STAR, stop=_STAR_STOPS),  # StarCoder, Granite Code, Stable Code
    Style("<fim-prefix>", "<fim-suffix>", "<fim-middle>", stop=("<fim-pad>", "<|endoftext|>")),  # SantaCoder
    Style("<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>", suffix_first=True),  # Seed-Coder
    Style("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),  # DeepSeek-Coder
    Style("<|fim▁begin|>", "<|fim▁hole|>", "<|fim▁end|>"),
    Style("▁<PRE>", "▁<SUF>", "▁<MID>", stop=("<EOT>", "▁<EOT>")),  # CodeLlama
    Style("<PRE>", "<SUF>", "<MID>", stop=("<EOT>",)),
    Style("<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),  # GLM
    Style("<|fim_begin|>", "<|fim_hole|>", "<|fim_end|>"),
    Style("[PREFIX]", "[SUFFIX]", "", suffix_first=True, name="codestral"),
)

_KEYS: Final = (("fim_pre_token_id", "prefix_token_id"), ("fim_suf_token_id", "suffix_token_id"),
                ("fim_mid_token_id", "middle_token_id"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one model, as ids of tokens; `middle` None: the answer follows the text before the gap at once."""

    prefix: int
    suffix: int
    middle: int | None
    suffix_first: bool = False
    stop: tuple[str, ...] = ()


def marks_of(facts: ModelFacts) -> Marks | None:
    """Find a model's marks: those that its file names, else those in its vocabulary; None if it has none."""
    tokens = facts.special_tokens
    style = next((style for style in STYLES if _fits(style, facts)), None)
    stop = tuple(text for text in style.stop if text in tokens) if style else ()
    is_turned = style is not None and style.suffix_first
    prefix, suffix, middle = (_named(facts, keys) for keys in _KEYS)
    if prefix is not None and suffix is not None and middle is not None:
        return Marks(prefix, suffix, middle, is_turned, stop)
    if style is None:
        return None
    last = tokens[style.middle] if style.middle else None
    return Marks(tokens[style.prefix], tokens[style.suffix], last, is_turned, stop)


def _fits(style: Style, facts: ModelFacts) -> bool:
    if style.name and style.name not in f"{facts.name} {facts.file_name}".lower():
        return False
    return all(mark in facts.special_tokens for mark in (style.prefix, style.suffix, style.middle) if mark)


def _named(facts: ModelFacts, keys: tuple[str, ...]) -> int | None:
    for key in keys:
        value = facts.metadata.get(f"tokenizer.ggml.{key}")
        if isinstance(value, int) and value >= 0:
            return value
    return None
