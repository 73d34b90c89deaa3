"""Summaries of files of any length, longer ones part by part."""

from engine.plugins.api import Registrar
from plugins.summarize.task import Summarize


def register(registrar: Registrar) -> None:
    """Offer what this plugin has."""
    registrar.add_task(Summarize())
