"""Everything that the system lists, whichever system it is."""

import sys
from pathlib import Path

from engine.devices.seen.device import SeenDevice
from engine.devices.seen.linux import see_linux
from engine.devices.seen.macos import see_macos
from engine.devices.seen.windows import see_windows


def see_devices(root: Path = Path("/")) -> tuple[SeenDevice, ...]:
    """List graphics processors and NPUs, usable or not; loads no driver's library.

    Args:
        root: where Linux keeps `proc`, `sys` and `usr`.
    """
    if sys.platform == "win32":
        return see_windows()
    elif sys.platform == "darwin":  # noqa: RET505 - so the type checker knows what is for another system
        return see_macos()
    else:
        return see_linux(root)
