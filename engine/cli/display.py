"""Whether there is something to show a window on."""

import os
import sys


def has_display() -> bool:
    """Whether a window could be shown, or Qt was told to draw elsewhere."""
    if sys.platform in ("win32", "darwin"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
