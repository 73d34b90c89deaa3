"""What this Hearth is: its version, what it is made of, its licences and its folders."""

from app.about.card import AboutCard
from app.about.dialog import AboutDialog

__all__ = ["AboutCard", "AboutDialog"]
