"""ImportWork: takes models into Hearth's folder, through the gates, whole or not at all."""

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from engine.cards import Arrival, Origin, Trust
from engine.errors import EngineError, JobError, ModelFileError
from engine.gates import Gatekeeper
from engine.jobs import JobControl, Spec
from engine.models.library import ModelLibrary
from engine.models.split_files import named_count
from engine.tasks.copying import bring, sync_folder, take
from engine.tasks.import_plan import ImportPlan, check_room, disk_refusal, plans_of, same_model

_PREFIX: Final = ".hearth-import-"
_SUFFIX: Final = ".part"


@dataclass(frozen=True, slots=True)
class Imported:
    """A model that is in Hearth's folder now.

    Attributes:
        path: of its file.
        was_here: whether the very same model was there before.
    """

    path: Path
    was_here: bool = False


class ImportWork:
    """Takes a file, or all models of a folder.

    Its header is checked, then it is tried in a process of its own, and only then is it copied, into a hidden place
    beside the others; when it is on the disk for good, it gets its name.

    Thread: the job's.
    """

    can_pause = False
    at_once = 1

    def __init__(
        self,
        models: Path,
        library: ModelLibrary,
        gatekeeper: Gatekeeper,
        arrived: Callable[[Path, Arrival], None],
    ) -> None:
        """Make the work.

        Args:
            models: Hearth's own folder.
            library: knows where the file comes from, if it is in one of its folders.
            gatekeeper: tries it.
            arrived: told of each model that is here.
        """
        self._models = models
        self._library = library
        self._gatekeeper = gatekeeper
        self._arrived = arrived

    def check(self, path: Path, *, move: bool) -> tuple[ImportPlan, ...]:
        """Plan it, and refuse what can be refused at once.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: it cannot be taken, or not moved; says why.
        """
        known = {entry.found.path: entry.found for entry in self._library.entries()}
        plans = tuple(
            plan.called(known[plan.files[0]].id) if plan.files[0] in known and known[plan.files[0]].id else plan
            for plan in plans_of(path, self._models)
        )
        for plan in plans:
            if plan.files[0].is_relative_to(self._models):
                raise ModelFileError(f"{plan.files[0].name} is in Hearth's own folder already.", "Use it from there.")
            if move and self._origin(plan.files[0]) not in {None, Origin.FOLDER}:
                raise ModelFileError(
                    f"{plan.files[0].name} belongs to another program, which would miss it.",
                    "Import it without moving it, or use it where it is.",
                )
        return plans

    def run(self, spec: Spec, control: JobControl) -> str:
        """Bring all of it; see `engine.jobs.Work`."""
        return str(self.bring(Path(spec["path"]), control, move=bool(spec.get("move")))[-1].path)

    def bring(self, path: Path, control: JobControl, *, move: bool = False) -> tuple[Imported, ...]:
        """Take a file, or all models of a folder.

        Args:
            path: of it.
            control: hears how far it is, and can stop it.
            move: remove it where it was, once it is here.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: it is refused; says why, and what to do.
            JobError: it cannot be written here.
            JobStopped: it was asked to end; what is half done is removed.
        """
        clean_up(self._models)
        plans = self.check(path, move=move)
        sizes = [plan.size_bytes for plan in plans]  # a model that was moved has none left
        return tuple(
            self._bring(plan, move, control, sum(sizes[:number]), sum(sizes)) for number, plan in enumerate(plans)
        )

    def discard(self, spec: Spec) -> None:
        """Remove what was left half done."""
        clean_up(self._models)

    def _bring(self, plan: ImportPlan, move: bool, control: JobControl, done: int, total: int) -> Imported:
        """Bring one model."""
        self._admit(plan.files[0], control)
        for place in plan.places():
            if not place.exists():
                break
            if same_model(plan, place):
                control.tell(total, total, f"{place.name} was here already.")
                return Imported(plan.file_in(place), was_here=True)
        else:
            raise JobError(f"There are too many models called {plan.name}.", "Rename some of them.")
        try:
            self._models.mkdir(parents=True, exist_ok=True)
            if not move:
                check_room(plan)
            sha256 = self._copy(plan, place, move, control, done, total)
        except OSError as error:
            raise disk_refusal(error, self._models) from error
        file = plan.file_in(place)
        self._arrived(file, self._arrival(plan, sha256))
        self._gatekeeper.check(file)  # known by its content, so that this only takes a moment
        if move:
            _take_away(plan)
        return Imported(file)

    def _admit(self, path: Path, control: JobControl) -> None:
        control.tell(0, 0, f"Trying {path.name} in a process of its own")
        try:
            report = self._gatekeeper.check(path, is_wanted=lambda: not control.is_stopping)
        except EngineError:
            control.check()
            raise
        if report.trust is Trust.REFUSED:
            raise ModelFileError(report.cause, report.remedy, report.rule)

    def _copy(self, plan: ImportPlan, place: Path, move: bool, control: JobControl, done: int, total: int) -> str:
        """Bring the files into a hidden place, and give it its name; returns the digest of the model's own."""
        digest, staged = hashlib.sha256(), self._models / f"{_PREFIX}{os.getpid()}-{place.name}{_SUFFIX}"
        counted = plan.files[: max(1, named_count(plan.files[0]))]

        def tell(more: int) -> None:
            nonlocal done
            control.check()
            done += more
            control.tell(done, total, place.name)

        try:
            for file in plan.files:
                target = staged / file.relative_to(plan.base) if plan.is_folder else staged
                target.parent.mkdir(parents=True, exist_ok=True)
                taken = digest if file in counted else None
                if not (move and take(file, target, tell, taken)):
                    bring(file, target, tell, taken)
            if plan.is_folder:
                sync_folder(staged)
            os.rename(staged, place)
        except BaseException:
            remove_staged(staged)
            raise
        sync_folder(self._models)
        return digest.hexdigest()

    def _arrival(self, plan: ImportPlan, sha256: str) -> Arrival:
        for entry in self._library.entries():
            if entry.info.path == plan.files[0]:
                note = self._library.notes.of(entry.info.path)
                repo, revision = note.repo or entry.found.repo, note.revision or entry.found.revision
                return Arrival(repo=repo, revision=revision, url=note.url, sha256=sha256, made_from=note.made_from)
        return Arrival(sha256=sha256)

    def _origin(self, path: Path) -> Origin | None:
        """Whose a file is; None if it is in no folder that is known."""
        for source in self._library.sources():
            if path.is_relative_to(source.folder.expanduser()):
                return source.origin
        return None


def clean_up(models: Path) -> None:
    """Remove what imports have left that were killed; those that still run keep theirs."""
    with suppress(OSError):
        for staged in models.glob(f"{_PREFIX}*{_SUFFIX}"):
            owner = staged.name.removeprefix(_PREFIX).partition("-")[0]
            if not owner.isdigit() or int(owner) == os.getpid() or not psutil.pid_exists(int(owner)):
                remove_staged(staged)


def remove_staged(staged: Path) -> None:
    """Remove a hidden place, file or folder."""
    with suppress(OSError):
        for file in staged.rglob("*") if staged.is_dir() else (staged,):
            if file.is_file():
                file.chmod(0o600)  # Windows deletes nothing that is read-only
                file.unlink()
        if staged.is_dir():
            shutil.rmtree(staged)


def _take_away(plan: ImportPlan) -> None:
    """Remove a model where it was, now that it is here for good."""
    for file in plan.files:
        with suppress(OSError):
            file.unlink()
