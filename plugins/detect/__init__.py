"""Detect: which things are in a picture, and where."""

from engine.plugins.api import Registrar
from plugins.detect.pipeline import Detectors, Limits


def register(registrar: Registrar) -> None:
    """Offer what this plugin has."""
    settings = registrar.settings
    registrar.add_pipeline(Detectors(Limits(_number(settings["least_score"]), _number(settings["overlap"]))))


def _number(value: object) -> float:
    assert isinstance(value, int | float)
    return float(value)
