"""The words of a loaded model, form by form, as the plugins know them now."""

from collections.abc import Mapping
from typing import TypeAlias

from engine.errors import CapabilityError
from engine.plugins.contract.models import ModelFacts, TextFormat
from engine.plugins.current import Current
from engine.plugins.recognition import is_remote
from engine.plugins.registry import Registry
from engine.types import Accepts, EmbedRequest

TextFormats: TypeAlias = Current[Mapping[Accepts, TextFormat]]
"""A format for each form of request; the most confident plugin's come first."""


def open_text_formats(registry: Registry, facts: ModelFacts) -> TextFormats:
    """Get ready to talk to a model.

    Raises:
        EngineError: a plugin refuses it.
    """
    return Current(registry, facts, lambda served: (*served.families, *served.families.values()), registry.open_text)


def asks_outside(formats: TextFormats) -> bool:
    """Whether using the formats may have to wait for a plugin in a process of its own."""
    return formats.is_stale or any(is_remote(text_format) for text_format in formats.latest.values())


def embedding_texts(formats: TextFormats, name: str, request: EmbedRequest) -> tuple[str, ...]:
    """Put the words around the texts of a request that a model wants to see.

    Args:
        formats: of the model.
        name: of the model.
        request: with at least one text.

    Raises:
        CapabilityError: no plugin knows the model any more.
        EngineError: the plugin failed.
    """
    text_format = formats.get().get(Accepts.TEXTS)
    if text_format is None:
        raise CapabilityError(f"{name} cannot make vectors: no plugin knows how.", "Enable or install one that does.")
    return tuple(text_format.embedding_text(text, request.purpose) for text in request.texts)
