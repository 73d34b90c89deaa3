"""Shell: the window around the pages."""

from app.shell.main_window import MainWindow, Page, PageEntry
from app.shell.rail import Rail
from app.shell.status_strip import StatusStrip

__all__ = ["MainWindow", "Page", "PageEntry", "Rail", "StatusStrip"]
