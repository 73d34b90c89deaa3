"""Models of random weights: as fast and as large as a real one of the same shape, with nothing to say.

They answer "how fast would a 7B run here?" without a download. Each is written once to a cache folder, block by block,
so that writing a 7B takes its size on disk but not in memory.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from engine.bench.random_blocks import Blocks, random_blocks
from engine.errors import InvalidRequestError, OutOfMemoryError
from engine.models.gguf_writer import MetadataValue, TensorSpec, WeightType, write_gguf

_STD = 0.02
_SPECIAL_TOKENS = 3  # <unk>, <s>, </s>
_BYTE_TOKENS = 256
_POOL_BLOCKS = 131_071  # prime and above the vocabulary: no two rows of a tensor are equal, whatever their length
_PIECE_BLOCKS = 32_768


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a Llama-architecture model."""

    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    vocabulary: int
    context: int


SHAPES: Mapping[str, Shape] = {
    "tiny": Shape(2, 256, 512, 4, 2, 512, 2048),
    "100m": Shape(12, 768, 2048, 12, 12, 32_000, 4096),
    "1b": Shape(22, 2048, 5632, 32, 4, 32_000, 4096),
    "7b": Shape(32, 4096, 11_008, 32, 32, 32_000, 4096),
}
"""`1b` is TinyLlama's shape, `7b` is Llama 2's."""


@dataclass(frozen=True, slots=True)
class _Recipe:
    file_type: int  # GGUF's number for the mixture
    base: WeightType
    finer: WeightType  # for the tensors that llama.cpp's quantizer gives more bits


RECIPES: Mapping[str, _Recipe] = {
    "f32": _Recipe(0, WeightType.F32, WeightType.F32),
    "f16": _Recipe(1, WeightType.F16, WeightType.F16),
    "bf16": _Recipe(32, WeightType.BF16, WeightType.BF16),
    "q8_0": _Recipe(7, WeightType.Q8_0, WeightType.Q8_0),
    "q5_0": _Recipe(8, WeightType.Q5_0, WeightType.Q5_0),
    "q4_0": _Recipe(2, WeightType.Q4_0, WeightType.Q4_0),
    "iq4_nl": _Recipe(25, WeightType.IQ4_NL, WeightType.IQ4_NL),
    "iq4_xs": _Recipe(30, WeightType.IQ4_XS, WeightType.IQ4_XS),
    "q2_k": _Recipe(10, WeightType.Q2_K, WeightType.Q3_K),
    "q3_k_m": _Recipe(12, WeightType.Q3_K, WeightType.Q4_K),
    "q4_k_m": _Recipe(15, WeightType.Q4_K, WeightType.Q6_K),
    "q5_k_m": _Recipe(17, WeightType.Q5_K, WeightType.Q6_K),
    "q6_k": _Recipe(18, WeightType.Q6_K, WeightType.Q6_K),
}
"""What `--type` accepts."""


def cached_random_model(folder: Path, shape: str, kind: str) -> Path:
    """Path of a random model, written now if the cache has none.

    Raises:
        InvalidRequestError: no such shape or type.
        OutOfMemoryError: the disk has no room for it.
    """
    path = folder / f"random-{shape}-{kind}.gguf"
    if path.exists():
        return path
    needed = sum(tensor.size_bytes for tensor in _tensors(_shape(shape), _recipe(kind)))
    folder.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(folder).free) < needed * 1.05:
        raise OutOfMemoryError(
            f"The random {shape} model needs {needed / 1e9:.1f} GB, but {folder} has {free / 1e9:.1f} GB free.",
            "Free some space, choose a smaller --shape or --type, or move the cache with HEARTH_HOME.",
        )
    write_random_gguf(path, shape, kind)
    return path


def check_model(shape: str, kind: str) -> None:
    """Refuse a shape or type that is not known.

    Raises:
        InvalidRequestError: there is no such shape or type.
    """
    _shape(shape)
    _recipe(kind)


def remove_random_models(folder: Path) -> int:
    """Delete every cached random model, and what an interrupted run left; returns the bytes freed."""
    freed = 0
    for path in folder.glob("random-*.gguf*"):
        freed += path.stat().st_size
        path.unlink()
    return freed


def write_random_gguf(
    path: Path,
    shape: str,
    kind: str,
    *,
    architecture: str = "llama",
    seed: int = 0,
    extra: Mapping[str, MetadataValue] = MappingProxyType({}),
) -> None:
    """Write a random model; the file appears whole or not at all.

    Args:
        path: the file; its folder must exist.
        shape: a name from `SHAPES`.
        kind: a name from `RECIPES`.
        architecture: what the file says it is; a name llama.cpp does not know makes a file that it must refuse.
        seed: equal seeds give equal files.
        extra: more metadata, a chat template say.

    Raises:
        InvalidRequestError: no such shape or type.
        OSError: the disk is full, or the folder cannot be written.
    """
    sizes, recipe = _shape(shape), _recipe(kind)
    weights = _Weights(seed)
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb", buffering=1 << 20) as stream:
            metadata = _metadata(sizes, recipe, f"random {shape}", architecture)
            write_gguf(stream, {**metadata, **extra}, _tensors(sizes, recipe), weights.pieces)
        Path(temporary).replace(path)
    except BaseException:  # Ctrl-C as well must not leave gigabytes behind
        Path(temporary).unlink(missing_ok=True)
        raise


def _shape(name: str) -> Shape:
    if name not in SHAPES:
        raise InvalidRequestError(f"There is no shape {name!r}.", f"Choose one of: {', '.join(SHAPES)}.")
    return SHAPES[name]


def _recipe(name: str) -> _Recipe:
    if name not in RECIPES:
        raise InvalidRequestError(f"There is no type {name!r}.", f"Choose one of: {', '.join(RECIPES)}.")
    return RECIPES[name]


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


def _tensors(shape: Shape, recipe: _Recipe) -> list[TensorSpec]:
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


def _gets_more_bits(layer: int, layers: int) -> bool:
    # The rule of llama.cpp's quantizer for the _M mixtures.
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2


def _metadata(shape: Shape, recipe: _Recipe, name: str, architecture: str) -> dict[str, MetadataValue]:
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
