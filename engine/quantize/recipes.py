"""The recipes that Hearth offers, finest first per format, named by intent.

Bits and quality are those of large models: of small ones, whose tables of words weigh more, everything is a bit larger
and loses a bit more. What a result kept of its source, its own report says.
"""

from typing import Final, Literal

from engine.errors import CapabilityError
from engine.quality import Recipe
from engine.quantize.onnx_recipes import ONNX_RECIPES

GGUF_RECIPES: Final[tuple[Recipe, ...]] = (
    Recipe(
        id="q8_0",
        name="INT8",
        format="gguf",
        bits=8.5,
        explanation="8-bit weights: about half the size of F16, answers that can hardly be told apart.",
    ),
    Recipe(
        id="q6_k",
        name="Near lossless",
        format="gguf",
        bits=6.6,
        explanation="6-bit weights: two fifths of F16, with a loss that hardly shows in a measurement.",
    ),
    Recipe(
        id="q5_k_m",
        name="Balanced",
        format="gguf",
        bits=5.7,
        explanation="5-bit weights, more where it matters: a third of F16, about 99% of the quality.",
        needs_calibration=True,
    ),
    Recipe(
        id="q4_k_m",
        name="Small",
        format="gguf",
        bits=4.9,
        explanation="4-bit weights, more where it matters: less than a third of F16, about 97% of the quality.",
        needs_calibration=True,
    ),
    Recipe(
        id="q4_0",
        name="Fast",
        format="gguf",
        bits=4.6,
        explanation="4-bit weights in their plainest form, the quickest on processors; coarser than Small.",
    ),
    Recipe(
        id="iq4_xs",
        name="Smaller",
        format="gguf",
        bits=4.5,
        explanation="4-bit weights without extras: a good quarter of F16, slightly coarser than Small.",
        needs_calibration=True,
    ),
    Recipe(
        id="q3_k_m",
        name="Smallest",
        format="gguf",
        bits=3.9,
        explanation="3-bit weights, more where it matters: a quarter of F16, with a loss that shows in the answers.",
        needs_calibration=True,
    ),
)

RECIPES: Final[tuple[Recipe, ...]] = (*GGUF_RECIPES, *ONNX_RECIPES)
"""All recipes."""


def recipes_for(kind: Literal["gguf", "onnx"]) -> tuple[Recipe, ...]:
    """The recipes for models of a format, finest first."""
    return tuple(recipe for recipe in RECIPES if recipe.format == kind)


def recipe_of(name: str, kind: Literal["gguf", "onnx"]) -> Recipe:
    """The recipe with this id, or this name (in any case), for models of a format.

    Raises:
        CapabilityError: there is none; names those that there are.
    """
    wanted = name.strip().lower()
    for recipe in recipes_for(kind):
        if wanted in {recipe.id, recipe.name.lower()}:
            return recipe
    known = ", ".join(recipe.id for recipe in recipes_for(kind))
    raise CapabilityError(f"There is no recipe {name!r} for {kind.upper()} models.", f"Choose from: {known}.")
