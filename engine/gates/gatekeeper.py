"""Gatekeeper: says of a model file whether it may be loaded, and finds it out where nobody knows."""

import os
import platform
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import psutil

from engine.backends.onnx.providers import CPU, package_version
from engine.cards import GateReport, Trust
from engine.errors import EngineError, ModelFileError
from engine.gates.verdicts import Verdicts

RULES: Final = 1
"""Goes up when a rule is added or dropped; files are then checked again."""

_LIBRARIES: Final = {"gguf": "llama-cpp-python", "onnx": "onnxruntime"}
_INCLUDED: Final = GateReport(trust=Trust.INCLUDED)
_UNTRIED: Final = GateReport(trust=Trust.UNTRIED)
_TICK_S: Final = 0.1


def _free_bytes() -> int:
    return int(psutil.virtual_memory().available)


class Gatekeeper:
    """Checks model files and tries them out, once per content and version of the engine.

    Thread: any; one file is tried at a time.
    """

    def __init__(
        self, store: Path, trusted_dirs: Sequence[Path] = (), available_bytes: Callable[[], int] = _free_bytes
    ) -> None:
        """Make a gatekeeper; nothing is read yet.

        Args:
            store: file that keeps the results; it need not exist.
            trusted_dirs: folders whose files came with Hearth, or were made by it; they are not tried.
            available_bytes: memory that a trial could take now.
        """
        self._verdicts = Verdicts(store)
        self._trusted = tuple(os.path.join(os.path.abspath(folder), "") for folder in trusted_dirs)
        self._available_bytes = available_bytes
        self._trying = threading.Lock()

    def known(self, path: Path) -> GateReport:
        """What is known of a model without reading it; costs microseconds.

        Args:
            path: of its file, of the first one if it is split.
        """
        place = os.path.abspath(path)
        if place.startswith(self._trusted):
            return _INCLUDED
        return self._verdicts.of_files(place, _engine(_kind(path))) or _UNTRIED

    def check(self, path: Path, *, again: bool = False, is_wanted: Callable[[], bool] = lambda: True) -> GateReport:
        """Check a model's header, and try it out in a process of its own if that has not been done; blocks.

        A file that belongs to a model but is none itself (an adapter, the eyes of another model, a vocabulary) stays
        untried, with the reason as `cause`; so does one whose process could not be started.

        Thread: one that lives on; on Linux the process ends with it.

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
        with self._turn(path, is_wanted):
            if not again and (known := self.known(path)).trust is not Trust.UNTRIED:
                return known  # another thread has just found it out
            began_s = time.monotonic()
            report = self._find_out(Path(os.path.abspath(path)), again=again, is_wanted=is_wanted)
            return replace(report, took_s=time.monotonic() - began_s)

    def admit(self, path: Path, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Return if a model may be loaded; blocks while that is found out.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: it may not; says why, and what to do.
            EngineError: `is_wanted` ended it.
        """
        report = self.check(path, is_wanted=is_wanted)
        if report.trust in {Trust.REFUSED, Trust.UNTRIED}:
            raise ModelFileError(report.cause, report.remedy, report.rule)

    @contextmanager
    def _turn(self, path: Path, is_wanted: Callable[[], bool]) -> Iterator[None]:
        while not self._trying.acquire(timeout=_TICK_S):
            if not is_wanted():
                raise EngineError(f"Trying {path.name} was cancelled.")
        try:
            yield
        finally:
            self._trying.release()

    def _find_out(self, path: Path, *, again: bool, is_wanted: Callable[[], bool]) -> GateReport:
        from engine.gates.file_set import digest_of, files_of, stamp_of
        from engine.gates.header_check import check_header, why_not_alone

        files = files_of(path)
        stamps = [stamp_of(part) for part in files]  # before anything is read, so that a change is noticed
        engine = _engine(_kind(path))
        report = None
        try:
            check_header(path)
            if reason := why_not_alone(path):
                return GateReport(trust=Trust.UNTRIED, cause=reason.cause, remedy=reason.remedy)
        except ModelFileError as error:
            report = GateReport(
                trust=Trust.REFUSED, rule=error.rule or "header", cause=error.cause, remedy=error.remedy
            )
        try:
            digest = digest_of(files)
        except OSError as error:
            return report or _unreadable(path, error)
        if report is None and not again:
            report = self._verdicts.of_content(digest, engine)
        if report is None:
            report = self._try(files, [stamp[0] for stamp in stamps if stamp is not None], is_wanted)
        if report.trust is not Trust.UNTRIED:
            self._verdicts.note(zip(files, stamps, strict=True), digest, engine, report)
        return report

    def _try(self, files: Sequence[Path], sizes: Sequence[int], is_wanted: Callable[[], bool]) -> GateReport:
        from engine.gates.limits import limits_for, needed_bytes
        from engine.gates.trial import Trial, run_trial

        kind, size = _kind(files[0]), sum(sizes)
        needed, free = needed_bytes(size, is_graph=kind == "onnx"), self._available_bytes()
        words_only = needed > free
        limits = limits_for(size, is_graph=kind == "onnx")
        report = run_trial(Trial(files=files, kind=kind, words_only=words_only, limits=limits), is_wanted)
        if words_only and report.trust is Trust.PASSED:
            cause = (
                f"Only the words of {files[0].name} were tried and not its weights, because that needs "
                f"{needed / (1 << 30):,.1f} GiB of memory and {free / (1 << 30):,.1f} GiB are free."
            )
            return replace(report, cause=cause)
        return report


def _kind(path: Path) -> str:
    return "onnx" if path.suffix.lower() == ".onnx" else "gguf"


def _engine(kind: str) -> str:
    return _engine_version(_LIBRARIES[kind])


@cache
def _engine_version(library: str) -> str:
    """Which engine tries a file, with which rules."""
    from importlib.metadata import version  # it drags in the email package, which a start-up need not wait for

    number = package_version(CPU) if library == _LIBRARIES["onnx"] else version(library)
    return f"{library} {number}, rules {RULES}, {platform.system()} {platform.machine()}"


def _unreadable(path: Path, error: OSError) -> GateReport:
    return GateReport(
        trust=Trust.UNTRIED,
        rule="file",
        cause=f"The file {path.name} cannot be read: {error.strerror or error}.",
        remedy="Check its permissions.",
    )
