"""Chat: conversations in the words of the common chat models."""

from engine.plugins.api import Registrar
from plugins.chat.family import ChatFamily


def register(registrar: Registrar) -> None:
    """Offer what this plugin has."""
    registrar.add_family(ChatFamily())
