"""Models of random weights for the benches, each written once to a cache folder.

They answer "how fast would a 7B run here?" without a download.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from engine.errors import InvalidRequestError, OutOfMemoryError
from engine.models.gguf_writer import MetadataValue, WeightType
from engine.models.random_model import RandomRecipe, RandomShape, tensors_of, write_random_model

SHAPES: Mapping[str, RandomShape] = {
    "tiny": RandomShape(2, 256, 512, 4, 2, 512, 2048),
    "100m": RandomShape(12, 768, 2048, 12, 12, 32_000, 4096),
    "120m": RandomShape(12, 768, 2048, 12, 2, 32_000, 4096),
    "1b": RandomShape(22, 2048, 5632, 32, 4, 32_000, 4096),
    "7b": RandomShape(32, 4096, 11_008, 32, 32, 32_000, 4096),
}
"""`1b` is TinyLlama's shape, `7b` is Llama 2's. `120m` keeps little KV per token: its memory is its weights, as in most
models of today."""


RECIPES: Mapping[str, RandomRecipe] = {
    "f32": RandomRecipe(0, WeightType.F32, WeightType.F32),
    "f16": RandomRecipe(1, WeightType.F16, WeightType.F16),
    "bf16": RandomRecipe(32, WeightType.BF16, WeightType.BF16),
    "q8_0": RandomRecipe(7, WeightType.Q8_0, WeightType.Q8_0),
    "q5_0": RandomRecipe(8, WeightType.Q5_0, WeightType.Q5_0),
    "q4_0": RandomRecipe(2, WeightType.Q4_0, WeightType.Q4_0),
    "iq4_nl": RandomRecipe(25, WeightType.IQ4_NL, WeightType.IQ4_NL),
    "iq4_xs": RandomRecipe(30, WeightType.IQ4_XS, WeightType.IQ4_XS),
    "q2_k": RandomRecipe(10, WeightType.Q2_K, WeightType.Q3_K),
    "q3_k_m": RandomRecipe(12, WeightType.Q3_K, WeightType.Q4_K),
    "q4_k_m": RandomRecipe(15, WeightType.Q4_K, WeightType.Q6_K),
    "q5_k_m": RandomRecipe(17, WeightType.Q5_K, WeightType.Q6_K),
    "q6_k": RandomRecipe(18, WeightType.Q6_K, WeightType.Q6_K),
}
"""What `--type` accepts."""


def cached_random_model(folder: Path, shape: str, kind: str, seed: int = 0) -> Path:
    """Path of a random model, written now if the cache has none.

    Args:
        folder: the cache.
        shape: a name from `SHAPES`.
        kind: a name from `RECIPES`.
        seed: others make other models of the same shape and type.

    Raises:
        InvalidRequestError: no such shape or type.
        OutOfMemoryError: the disk has no room for it.
    """
    path = folder / (f"random-{shape}-{kind}-{seed}.gguf" if seed else f"random-{shape}-{kind}.gguf")
    if path.exists():
        return path
    needed = sum(tensor.size_bytes for tensor in tensors_of(_shape(shape), _recipe(kind)))
    folder.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(folder).free) < needed * 1.05:
        raise OutOfMemoryError(
            f"The random {shape} model needs {needed / 1e9:.1f} GB, but {folder} has {free / 1e9:.1f} GB free.",
            "Free some space, choose a smaller --shape or --type, or move the cache with HEARTH_HOME.",
        )
    write_random_gguf(path, shape, kind, seed=seed)
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
    for pattern in ("random-*.gguf*", "random-*.onnx", "random-*.json"):
        for path in folder.glob(pattern):
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
    write_random_model(
        path, _shape(shape), _recipe(kind), name=f"random {shape}", architecture=architecture, seed=seed, extra=extra
    )


def _shape(name: str) -> RandomShape:
    if name not in SHAPES:
        raise InvalidRequestError(f"There is no shape {name!r}.", f"Choose one of: {', '.join(SHAPES)}.")
    return SHAPES[name]


def _recipe(name: str) -> RandomRecipe:
    if name not in RECIPES:
        raise InvalidRequestError(f"There is no type {name!r}.", f"Choose one of: {', '.join(RECIPES)}.")
    return RECIPES[name]
