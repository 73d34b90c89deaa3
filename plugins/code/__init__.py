"""Code: filling a gap between two pieces of it, explaining it, testing it."""

from engine.plugins.api import Registrar
from plugins.code.family import CodeFamily


def register(registrar: Registrar) -> None:
    """Offer what this plugin has."""
    registrar.add_family(CodeFamily())
