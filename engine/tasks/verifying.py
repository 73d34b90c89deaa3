"""VerifyWork: reads a model's whole file, compares it with what it should be, and tries it again."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from engine.cards import GateReport, Origin, Trust
from engine.errors import EngineError, ModelFileError
from engine.gates import Gatekeeper
from engine.jobs import JobControl, Spec
from engine.models.digests import sha256_of
from engine.models.library import Entry, ModelLibrary
from engine.models.notes import note_stamp, of_this_file
from engine.models.split_files import later_parts, named_count

_BLOB: Final = re.compile(r"(?:sha256-)?([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of it.

    Attributes:
        path: of the model.
        sha256: of its file.
        expected: what it should be; empty if nobody said.
        report: of the trial.
    """

    path: Path
    sha256: str
    expected: str
    report: GateReport


class VerifyWork:
    """Verifies one model.

    Thread: the job's.
    """

    can_pause = False
    at_once = 1

    def __init__(self, library: ModelLibrary, gatekeeper: Gatekeeper) -> None:
        """Make the work.

        Args:
            library: knows what the file should be.
            gatekeeper: tries it.
        """
        self._library = library
        self._gatekeeper = gatekeeper

    def run(self, spec: Spec, control: JobControl) -> str:
        """Verify it; see `engine.jobs.Work`."""
        return str(self.verify(spec["path"], control).path)

    def discard(self, spec: Spec) -> None:
        """Do nothing: it leaves nothing."""

    def verify(self, model: str, control: JobControl) -> Verified:
        """Read it, compare it, try it.

        Args:
            model: its id, or path.
            control: hears how far it is.

        Raises:
            ModelNotFoundError: there is none.
            ModelFileError: it is not what it should be, or the gates refuse it; says why.
            JobStopped: it was asked to end.
        """
        entry = self._library.entry(model)
        path, expected = entry.info.path, self._expected(entry)
        try:
            stamp = note_stamp(path)
            sha256 = _digest(path, control)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ModelFileError(
                f"{path} cannot be read: {reason}.", "Check its disk, or download it again."
            ) from error
        if expected and sha256 != expected:
            raise ModelFileError(
                f"{path.name} is not what it was: its SHA-256 is {sha256[:12]}…, but should be {expected[:12]}….",
                "Download it again.",
                "sha256",
            )
        control.tell(entry.info.size_bytes, entry.info.size_bytes, f"Trying {path.name} in a process of its own")
        try:
            report = self._gatekeeper.check(path, again=True, is_wanted=lambda: not control.is_stopping)
        except EngineError:
            control.check()
            raise
        self._library.notes.change(path, lambda note: replace(of_this_file(note, path), sha256=sha256, stamp=stamp))
        if report.trust is Trust.REFUSED:
            raise ModelFileError(report.cause, report.remedy, report.rule)
        return Verified(path, sha256, expected, report)

    def _expected(self, entry: Entry) -> str:
        """SHA-256 that a file should have; empty if nobody said.

        Hearth's own files are only replaced by Hearth, which notes what they are. Other programs call blobs by theirs.
        """
        path, note = entry.info.path, self._library.notes.of(entry.info.path)
        known = note.sha256 if entry.found.origin is Origin.OWN else of_this_file(note, path).sha256
        if known or entry.found.origin not in {Origin.OLLAMA, Origin.HUGGING_FACE} or named_count(path) > 1:
            return known
        blob = _BLOB.fullmatch(os.path.basename(os.path.realpath(path)))
        return blob[1] if blob is not None else ""


def _digest(path: Path, control: JobControl) -> str:
    """SHA-256 of a model's file, of all parts if it is split."""

    def on_block(done: int, total: int) -> None:
        control.check()
        control.tell(done, total, path.name)

    return sha256_of((path, *later_parts(path, named_count(path))), on_block)
