"""Classify: what a picture shows, and vectors that pictures can be compared by."""

from engine.plugins.api import Registrar
from plugins.classify.classification import Classification
from plugins.classify.features import Features


def register(registrar: Registrar) -> None:
    """Offer what this plugin has."""
    registrar.add_pipeline(Classification())
    registrar.add_pipeline(Features())
