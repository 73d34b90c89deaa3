"""One prompt, several models."""

from engine.plugins.api import Registrar
from plugins.compare.task import Compare


def register(registrar: Registrar) -> None:
    """Offer what this plugin has."""
    registrar.add_task(Compare())
