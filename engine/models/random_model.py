"""Writes models of random weights: as fast and as large as real ones of the same shape, with nothing to say.

They are written block by block, so that a 7B takes its size on disk but not in memory.
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from engine.models.gguf_writer import MetadataValue, TensorSpec, WeightType, write_gguf, write_header
from engine.models.random_blocks import Blocks, random_blocks

_STD = 0.02
_SPECIAL_TOKENS = 3  # <unk>, <s>, </s>
_BYTE_TOKENS = 256
_POOL_BLOCKS = 131_071  # prime and above the vocabulary: no two rows of a tensor are equal, whatever their length
_PIECE_BLOCKS = 32_768


@dataclass(frozen=True, slots=True)
class RandomShape:
    """Sizes of a Llama-architecture model; the vocabulary has at least 259 tokens."""

    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    vocabulary: int
    context: int


@dataclass(frozen=True, slots=True)
class RandomRecipe:
    """How its weights are stored.

    Attributes:
        file_type: GGUF's number for the mixture.
        base: of most tensors.
        finer: of the tensors that llama.cpp's quantizer gives more bits.
    """

    file_type: int
    base: WeightType
    finer: WeightType


def tensors_of(shape: RandomShape, recipe: RandomRecipe) -> list[TensorSpec]:
    """The tensors of such a model, in the order in which they are stored."""
    width, kv_width = shape.width, shape.width // shape.heads * shape.kv_heads
    tensors = [
        TensorSpec("token_embd.weight", (shape.vocabulary, width), recipe.base),
        TensorSpec("output_norm.weight", (width,), WeightType.F32),
        TensorSpec("output.weight", (shape.vocabulary, width), recipe.finer),
    ]
    for layer in range(shape.layers):
        finer = recipe.finer if _gets_more_bits(layer, shape.layers) else recipe.base
        for name, sizes, kind in (
            ("attn_norm", (width,), WeightType.F32),
            ("attn_q", (width, width), recipe.base),
            ("attn_k", (kv_width, width), recipe.base),
            ("attn_v", (kv_width, width), finer),
            ("attn_output", (width, width), recipe.base),
            ("ffn_norm", (width,), WeightType.F32),
            ("ffn_gate", (shape.feed_forward, width), recipe.base),
            ("ffn_up", (shape.feed_forward, width), recipe.base),
            ("ffn_down", (width, shape.feed_forward), finer),
        ):
            tensors.append(TensorSpec(f"blk.{layer}.{name}.weight", sizes, kind))
    return tensors


def write_random_model(
    path: Path,
    shape: RandomShape,
    recipe: RandomRecipe,
    *,
    name: str,
    architecture: str = "llama",
    seed: int = 0,
    extra: Mapping[str, MetadataValue] = MappingProxyType({}),
) -> None:
    """Write a random model; the file appears whole or not at all.

    Args:
        path: the file; its folder must exist.
        shape: its sizes.
        recipe: how its weights are stored.
        name: what the file says it is called.
        architecture: what the file says it is; a name llama.cpp does not know makes a file that it must refuse.
        seed: equal seeds give equal files.
        extra: more metadata, a chat template say.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    weights = _Weights(seed)
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb", buffering=1 << 20) as stream:
            metadata = _metadata(shape, recipe, name, architecture)
            write_gguf(stream, {**metadata, **extra}, tensors_of(shape, recipe), weights.pieces)
        Path(temporary).replace(path)
    except BaseException:  # Ctrl-C as well must not leave gigabytes behind
        Path(temporary).unlink(missing_ok=True)
        raise


def write_hollow_model(
    path: Path,
    shape: RandomShape,
    recipe: RandomRecipe,
    *,
    name: str,
    extra: Mapping[str, MetadataValue] = MappingProxyType({}),
) -> None:
    """Write a file that has the header of such a model, and nothing where the weights would be.

    It says all that a header says, but cannot be run. Where the file system knows holes, it takes next to no room.

    Raises:
        OSError: it cannot be written.
    """
    with path.open("wb") as stream:
        metadata = {**_metadata(shape, recipe, name, "llama"), **extra}
        stream.truncate(write_header(stream, metadata, tensors_of(shape, recipe)))


class _Weights:
    """Random weights from one pool of blocks per type: making every byte afresh would take minutes for a 7B."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._pools: dict[WeightType, Blocks] = {}

    def pieces(self, tensor: TensorSpec) -> Iterator[bytes]:
        """The bytes of one tensor, a few megabytes at a time."""
        if len(tensor.shape) == 1:
            yield np.ones(tensor.shape, dtype=np.float32).tobytes()  # the norms
            return
        left = tensor.size_bytes
        if tensor.name == "output.weight":
            # The logits of the special tokens stay 0, so that no answer ends before it has its length.
            silent = tensor.size_bytes // tensor.shape[0] * _SPECIAL_TOKENS
            yield bytes(silent)
            left -= silent
        pool = self._pool(tensor.type)
        start = int(self._rng.integers(_POOL_BLOCKS))
        while left:
            piece = pool[start : start + _PIECE_BLOCKS].reshape(-1)[:left]
            yield piece.tobytes()
            left -= len(piece)
            start = 0 if start + _PIECE_BLOCKS >= _POOL_BLOCKS else start + _PIECE_BLOCKS

    def _pool(self, kind: WeightType) -> Blocks:
        if kind not in self._pools:
            self._pools[kind] = random_blocks(kind, _POOL_BLOCKS, _STD, self._rng)
        return self._pools[kind]


def _gets_more_bits(layer: int, layers: int) -> bool:
    # The rule of llama.cpp's quantizer for the _M mixtures.
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def _metadata(shape: RandomShape, recipe: RandomRecipe, name: str, architecture: str) -> dict[str, MetadataValue]:
    words = shape.vocabulary - _SPECIAL_TOKENS - _BYTE_TOKENS
    return {
        "general.architecture": architecture,
        "general.name": name,
        "general.license": "CC0-1.0",
        "general.file_type": recipe.file_type,
        f"{architecture}.context_length": shape.context,
        f"{architecture}.embedding_length": shape.width,
        f"{architecture}.block_count": shape.layers,
        f"{architecture}.feed_forward_length": shape.feed_forward,
        f"{architecture}.attention.head_count": shape.heads,
        f"{architecture}.attention.head_count_kv": shape.kv_heads,
        f"{architecture}.attention.layer_norm_rms_epsilon": 1e-5,
        f"{architecture}.rope.dimension_count": shape.width // shape.heads,
        f"{architecture}.vocab_size": shape.vocabulary,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": [
            "<unk>",
            "<s>",
            "</s>",
            *(f"<0x{byte:02X}>" for byte in range(_BYTE_TOKENS)),
            *(_word(index) for index in range(words)),
        ],
        "tokenizer.ggml.scores": [0.0] * (_SPECIAL_TOKENS + _BYTE_TOKENS) + [-float(index) for index in range(words)],
        "tokenizer.ggml.token_type": [2, 3, 3] + [6] * _BYTE_TOKENS + [1] * words,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.add_space_prefix": False,
    }


_SYLLABLES = [consonant + vowel for consonant in "bdfghjklmnprstvz" for vowel in "aeiou"]


def _word(index: int) -> str:
    # Three syllables and a space. Nothing shorter is in the vocabulary, so the tokenizer never gets as far as joining
    # letters to a word: a text of n ASCII letters has exactly n tokens, which a bench relies on.
    base = len(_SYLLABLES)
    return "▁" + _SYLLABLES[index // base**2 % base] + _SYLLABLES[index // base % base] + _SYLLABLES[index % base]
