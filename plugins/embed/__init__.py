"""Vectors of texts: the common embedding models, with the words that each wants around a text."""

from engine.plugins.api import Registrar
from plugins.embed.family import EmbedFamily
from plugins.embed.similarity import SimilarTexts


def register(registrar: Registrar) -> None:
    """Offer what this plugin has."""
    registrar.add_family(EmbedFamily())
    registrar.add_task(SimilarTexts())
