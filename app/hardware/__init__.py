"""Hardware: every device of this machine, how busy it is and with whose work, and where models run."""

from app.hardware.controller import HardwareController
from app.hardware.page import HardwarePage
from app.hardware.source import HardwareSource

__all__ = ["HardwareController", "HardwarePage", "HardwareSource"]
