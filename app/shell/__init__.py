"""Shell: the window around the pages."""

from app.shell.command import Command
from app.shell.main_window import MainWindow, Page, PageEntry
from app.shell.palette import KEYS as PALETTE_KEYS
from app.shell.palette import CommandPalette
from app.shell.rail import Rail
from app.shell.status_strip import StatusStrip

__all__ = ["PALETTE_KEYS", "Command", "CommandPalette", "MainWindow", "Page", "PageEntry", "Rail", "StatusStrip"]
