"""What Hearth may take of the machine, what it keeps, and how it looks."""

from app.preferences.controller import PreferencesController
from app.preferences.page import PreferencesPage

__all__ = ["PreferencesController", "PreferencesPage"]
