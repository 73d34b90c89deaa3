"""Gatekeeper: says of a model file whether it may be loaded, and finds it out where nobody knows."""

import os
import platform
import threading
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from engine.cards import GateReport, Trust
from engine.errors import ModelFileError
from engine.gates.verdicts import Verdicts

RULES: Final = 1
"""Goes up when a rule is added or dropped; files are then checked again."""

_LIBRARIES: Final = {".onnx": "onnxruntime"}
_INCLUDED: Final = GateReport(trust=Trust.INCLUDED)
_UNTRIED: Final = GateReport(trust=Trust.UNTRIED)


class Gatekeeper:
    """Checks model files and tries them out, once per content and version of the engine.

    Thread: any; checks of the same file wait for one another.
    """

    def __init__(self, store: Path, trusted_dirs: Sequence[Path] = ()) -> None:
        """Make a gatekeeper; nothing is read yet.

        Args:
            store: file that keeps the results; it need not exist.
            trusted_dirs: folders whose files came with Hearth; they are not tried.
        """
        self._verdicts = Verdicts(store)
        self._trusted = tuple(os.path.join(os.path.abspath(folder), "") for folder in trusted_dirs)
        self._checking = threading.Lock()

    def known(self, path: Path) -> GateReport:
        """What is known of a model without reading it; costs microseconds.

        Args:
            path: of its file, of the first one if it is split.
        """
        if self._is_trusted(path):
            return _INCLUDED
        return self._verdicts.of_files(path, _engine(path)) or _UNTRIED

    def check(self, path: Path, *, again: bool = False, is_wanted: Callable[[], bool] = lambda: True) -> GateReport:
        """Check a model's header, and try it out in a process of its own if that has not been done; blocks.

        Args:
            path: of its file, of the first one if it is split.
            again: whether to try it even if the result is known.
            is_wanted: asked ten times a second; the trial ends when it says no, and nothing is kept.

        Raises:
            ModelNotFoundError: there is no such file.
            EngineError: `is_wanted` ended it.
        """
        if not again and (known := self.known(path)).trust is not Trust.UNTRIED:
            return known
        with self._checking:
            return self._check(path, again=again, is_wanted=is_wanted)

    def admit(self, path: Path, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Return if a model may be loaded; blocks while that is found out.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: it may not; says why, and what to do.
            EngineError: `is_wanted` ended it.
        """
        report = self.check(path, is_wanted=is_wanted)
        if report.trust is Trust.REFUSED:
            raise ModelFileError(report.cause, report.remedy, report.rule)

    def _check(self, path: Path, *, again: bool, is_wanted: Callable[[], bool]) -> GateReport:
        from engine.gates.header_check import check_header

        if not again and (known := self.known(path)).trust is not Trust.UNTRIED:
            return known  # another thread has just found it out
        began_s = time.monotonic()
        try:
            check_header(path)
        except ModelFileError as error:
            return GateReport(
                trust=Trust.REFUSED,
                rule=error.rule or "header",
                cause=error.cause,
                remedy=error.remedy,
                took_s=time.monotonic() - began_s,
            )
        return GateReport(trust=Trust.UNTRIED, took_s=time.monotonic() - began_s)

    def _is_trusted(self, path: Path) -> bool:
        return os.path.abspath(path).startswith(self._trusted)


def _engine(path: Path) -> str:
    return _engine_version(_LIBRARIES.get(path.suffix.lower(), "llama-cpp-python"))


@cache
def _engine_version(library: str) -> str:
    """Which engine tries a file, with which rules."""
    from importlib.metadata import version  # it drags in the email package, which a start-up need not wait for

    return f"{library} {version(library)}, rules {RULES}, {platform.system()} {platform.machine()}"
