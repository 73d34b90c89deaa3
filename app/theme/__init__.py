"""Theme: colours, measures, fonts and icons from `resources/themes`, and the small painted widgets built on them."""

from app.theme.appearance import CHOICES, Appearance
from app.theme.icons import app_icon
from app.theme.palette import palette_for
from app.theme.stylesheet import stylesheet_for
from app.theme.tokens import SCHEMES, Theme, load_theme

__all__ = ["CHOICES", "SCHEMES", "Appearance", "Theme", "app_icon", "load_theme", "palette_for", "stylesheet_for"]
