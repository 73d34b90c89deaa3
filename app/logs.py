"""Logging: a rotating file that only its owner can read, with Qt's messages and unhandled errors in it too.

What a person typed or dropped is never logged at INFO or above.
"""

import faulthandler
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TextIO

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

log = logging.getLogger(__name__)

_FILE_BYTES = 1 << 20
_KEPT_FILES = 3
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


@contextmanager
def logging_to(folder: Path) -> Iterator[Path]:
    """Log to `folder/hearth.log` while the context is open, and put everything back afterwards.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "hearth.log"
    handler = RotatingFileHandler(path, maxBytes=_FILE_BYTES, backupCount=_KEPT_FILES, encoding="utf-8")
    path.chmod(0o600)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    crash_file = _open_private(folder / "crash.log")
    hooks = sys.excepthook, threading.excepthook
    sys.excepthook = _log_unhandled
    threading.excepthook = _log_unhandled_in_thread
    qInstallMessageHandler(_log_qt)
    faulthandler.enable(crash_file)
    try:
        yield path
    finally:
        faulthandler.disable()
        qInstallMessageHandler(None)
        sys.excepthook, threading.excepthook = hooks
        crash_file.close()
        root.setLevel(level)
        root.removeHandler(handler)
        handler.close()


def _open_private(path: Path) -> TextIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")


def _log_unhandled(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    log.critical("Unhandled error", exc_info=(kind, error, trace))
    sys.__excepthook__(kind, error, trace)


def _log_unhandled_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        _log_unhandled(args.exc_type, args.exc_value, args.exc_traceback)


def _log_qt(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    logging.getLogger("qt").log(_QT_LEVELS[kind], "%s", message)
