"""What a recipe would make of a model, before it is tried: how large, and how much faster."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.errors import CapabilityError
from engine.models.gguf import GgufHeader, Tensor, read_header
from engine.models.gguf_info import check_is_model, split_count
from engine.models.onnx import read_onnx_header
from engine.models.shape import ModelShape, shape_of_tensors
from engine.models.split_files import later_parts
from engine.quality import Recipe
from engine.quantize.mixtures import is_quantized, plan
from engine.quantize.onnx_recipes import check_suits, suits
from engine.quantize.recipes import recipes_for

_ALIGNMENT: Final = 32
_FLOAT_BITS: Final = 32  # nothing else is made smaller among graphs


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a recipe makes of a model.

    Attributes:
        recipe: which.
        size_bytes: of the result.
        speedup: of writing an answer over the source, by the bytes that are read for each token.
        kept: of its matrices, those whose rows the recipe's blocks do not fill, so that they get another type.
        matrices: that are made smaller.
        shape: the work that the result makes; None for graphs.
    """

    recipe: Recipe
    size_bytes: int
    speedup: float
    kept: int = 0
    matrices: int = 0
    shape: ModelShape | None = None


def outcomes(source: Path) -> tuple[Outcome, ...]:
    """What each recipe makes of a model, largest first.

    Takes milliseconds: nothing but headers is read.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it is damaged, or no model.
        CapabilityError: it cannot be made smaller.
    """
    if source.suffix.lower() == ".onnx":
        found = [_of_graph(source, recipe) for recipe in _suiting(source)]
    else:
        header, tensors = _checked(source)
        found = [_of_weights(header, tensors, recipe) for recipe in recipes_for("gguf")]
    return tuple(sorted(found, key=lambda outcome: -outcome.size_bytes))


def outcome_of(source: Path, recipe: Recipe) -> Outcome:
    """What one recipe makes of a model.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelFileError: it is damaged, or no model.
        CapabilityError: it cannot be made smaller, or not by this recipe.
    """
    if recipe.format == "onnx":
        check_suits(source, recipe.id)
        return _of_graph(source, recipe)
    header, tensors = _checked(source)
    return _of_weights(header, tensors, recipe)


def forecast_bytes(source: Path, recipe: Recipe) -> int:
    """Size of what one recipe makes of a model; raises what `outcome_of` does."""
    return outcome_of(source, recipe).size_bytes


def tensors_of(source: Path, header: GgufHeader | None = None) -> tuple[Tensor, ...]:
    """All tensors of a model, of all its files.

    Args:
        source: the file, or the first of its files.
        header: of that, if it has been read already.

    Raises:
        ModelNotFoundError: a file is missing.
        ModelFileError: one is damaged.
    """
    header = read_header(source) if header is None else header
    tensors = header.tensors
    for part in later_parts(source, split_count(header)):
        tensors += read_header(part).tensors
    return tensors


def _checked(source: Path) -> tuple[GgufHeader, tuple[Tensor, ...]]:
    """Header and all tensors of a model that can be made smaller."""
    header = read_header(source)
    check_is_model(header)
    tensors = tensors_of(source, header)
    if is_quantized(tensors):
        raise CapabilityError(
            f"{source.name} is quantized already, and doing so again would lose more than either.",
            "Choose its source in F16, BF16 or F32.",
        )
    return header, tensors


def _of_weights(header: GgufHeader, tensors: tuple[Tensor, ...], recipe: Recipe) -> Outcome:
    planned = list(plan(header, tensors, recipe.id))
    made = tuple(
        replace(tensor, type=kind, size_bytes=tensor.elements // kind.block_elements * kind.block_bytes)
        for tensor, kind, _ in planned
    )
    before, after = shape_of_tensors(header, tensors), shape_of_tensors(header, made)
    first = min((tensor.offset for tensor in header.tensors), default=header.size_bytes)
    return Outcome(
        recipe=recipe,
        size_bytes=first + sum(-(-tensor.size_bytes // _ALIGNMENT) * _ALIGNMENT for tensor in made),
        speedup=before.bytes_per_token / after.bytes_per_token if after.bytes_per_token else 1.0,
        kept=sum(is_forced for *_, is_forced in planned),
        matrices=sum(kind != tensor.type for tensor, kind, _ in planned),
        shape=after,
    )


def _suiting(source: Path) -> list[Recipe]:
    """The recipes that make a graph smaller.

    Raises:
        CapabilityError: none does.
    """
    recipes = recipes_for("onnx")
    if not (found := [recipe for recipe in recipes if suits(source, recipe.id)]):
        check_suits(source, recipes[0].id)  # which says why
    return found


def _of_graph(source: Path, recipe: Recipe) -> Outcome:
    """By the number of its weights."""
    header = read_onnx_header(source)
    weights = header.parameters * _FLOAT_BITS // 8
    size = max(0, header.size_bytes - weights) + int(header.parameters * recipe.bits / 8)
    return Outcome(recipe=recipe, size_bytes=size, speedup=header.size_bytes / max(1, size))
