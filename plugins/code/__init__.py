"""Code: filling a gap between two pieces of it, explaining it, testing it."""

from engine.plugins.api import Registrar
from plugins.code.completion import CompleteCode
from plugins.code.explanation import ExplainCode
from plugins.code.family import CodeFamily
from plugins.code.testing import TestFunction


def register(registrar: Registrar) -> None:
    """Offer what this plugin has."""
    registrar.add_family(CodeFamily())
    registrar.add_task(ExplainCode())
    registrar.add_task(TestFunction())
    registrar.add_task(CompleteCode())
