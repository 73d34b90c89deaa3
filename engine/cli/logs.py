"""Where warnings and tracebacks of a command go: a file, never the person's terminal."""

import logging
from logging.handlers import RotatingFileHandler

from engine.config import default_home

_FILE_BYTES = 1 << 20


def log_to_file() -> None:
    """Send warnings and worse to `logs/cli.log` in Hearth's folder; the file is made when there is something to say."""
    root = logging.getLogger()
    root.setLevel(logging.WARNING)
    root.addHandler(_LazyFile())


class _LazyFile(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self._file: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._file is None:
            self._file = _open()
        self._file.handle(record)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()


def _open() -> logging.Handler:
    folder = default_home() / "logs"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = RotatingFileHandler(folder / "cli.log", maxBytes=_FILE_BYTES, backupCount=1, encoding="utf-8")
    except OSError:  # a folder that cannot be written must not stop a command that needs no folder
        return logging.NullHandler()
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return file
