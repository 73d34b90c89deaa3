"""What is said and offered after a crash: the log, a report to read and to save, and safe mode."""

from app.recovery.ending import Ending, EndKind
from app.recovery.marker import RunMarker
from app.recovery.notice import CrashNotice
from app.recovery.restart import safe_command, start_at_exit

__all__ = ["CrashNotice", "EndKind", "Ending", "RunMarker", "safe_command", "start_at_exit"]
