"""The vocabulary: byte-level BPE, cut into words the way llama.cpp's ``qwen2`` pre-tokeniser does it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

VOCAB_SIZE: Final = 4096
PRE_TOKENIZER: Final = "qwen2"
"""The name llama.cpp knows the word pattern by."""

_WORDS: Final = (
    r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

BEGIN: Final = "<|begin|>"
END: Final = "<|end|>"
SYSTEM: Final = "<|system|>"
USER: Final = "<|user|>"
ASSISTANT: Final = "<|assistant|>"
FIM_PREFIX: Final = "<|fim_prefix|>"
FIM_SUFFIX: Final = "<|fim_suffix|>"
FIM_MIDDLE: Final = "<|fim_middle|>"
SPECIAL: Final = (BEGIN, END, SYSTEM, USER, ASSISTANT, FIM_PREFIX, FIM_SUFFIX, FIM_MIDDLE)
"""The control tokens; their ids are their places here."""

CHAT_TEMPLATE: Final = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + (message['content'] | trim) + '<|end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""Jinja; the roles are ``system``, ``user`` and ``assistant``."""


def train(texts: Iterable[str]) -> Tokenizer:
    """A tokenizer of :data:`VOCAB_SIZE` tokens, learned from ``texts``. No text is refused: bytes are the floor."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def load(path: Path) -> Tokenizer:
    """The tokenizer saved at ``path`` (``tokenizer.json``)."""
    return Tokenizer.from_file(str(path))
