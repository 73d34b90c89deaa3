"""Read text: finds the lines of a picture and reads them with a line reader."""

from engine.plugins.api import Registrar
from plugins.read_text.reading import Reading


def register(registrar: Registrar) -> None:
    """Offer what this plugin has."""
    registrar.add_pipeline(Reading())
