"""LibraryDesk: does what the library's door promises."""

import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from engine.background import JobKind
from engine.cards import Arrival, GateReport, LibraryFolder, ModelCard
from engine.config import EngineConfig
from engine.devices.overrides import Overrides
from engine.errors import ModelError
from engine.gates import Gatekeeper
from engine.jobs import Spec, Work
from engine.models.library import ModelLibrary
from engine.models.places import ForeignPrograms
from engine.tasks.copying import make_read_only
from engine.tasks.importing import ImportWork, clean_up
from engine.tasks.library_folders import folders_of
from engine.tasks.library_watch import LibraryWatch
from engine.tasks.model_cards import CardMaker
from engine.tasks.notes_desk import NotesDesk
from engine.tasks.removing import remove_model
from engine.tasks.verifying import VerifyWork


class LibraryDesk(NotesDesk):
    """Looks after the models that are here.

    Thread: any.

    Attributes:
        importing: takes models into Hearth's folder.
        verifying: reads whole files and compares them with what they should be.
    """

    def __init__(
        self,
        config: EngineConfig,
        library: ModelLibrary,
        gatekeeper: Gatekeeper,
        is_in_use: Callable[[Path], bool],
        add_job: Callable[[JobKind, str, Spec], int],
        overrides: Overrides | None = None,
        is_open: Callable[[], bool] = lambda: True,
    ) -> None:
        """Make a desk; nothing is read yet.

        Args:
            config: of the engine.
            library: finds models.
            gatekeeper: knows which were tried.
            is_in_use: says whether a model is loaded, being loaded, or wanted.
            add_job: begins work in the background.
            overrides: devices that were chosen for models; those of the home folder if not given.
            is_open: says whether the engine is open; only then are folders watched.
        """
        super().__init__(library, overrides if overrides is not None else Overrides(config.home / "placements.json"))
        self._config = config
        self._gatekeeper = gatekeeper
        self._is_in_use = is_in_use
        self._add_job = add_job
        self._is_open = is_open
        self._cards = CardMaker(library, gatekeeper, self._overrides)
        self._watch = LibraryWatch(library, library.scan)
        self._models = config.home / "models"
        self.importing = ImportWork(self._models, library, gatekeeper, self.arrived)
        self.verifying = VerifyWork(library, gatekeeper)
        self._changes = itertools.count(1)
        self._changed = 0

    def cards(self) -> tuple[ModelCard, ...]:
        """All models that are here."""
        self._look_out()
        return self._cards.of(self._library.entries())

    def card(self, model: str) -> ModelCard:
        """One model.

        Raises:
            ModelNotFoundError: there is none.
            ModelFileError: its file is broken.
        """
        return self._cards.of((self._library.entry(model),))[0]

    def version(self) -> int:
        """Goes up with every change."""
        self._look_out()
        return self._library.version + self._changed

    def folders(self) -> tuple[LibraryFolder, ...]:
        """All folders that are searched, and those of other programs that could be."""
        return folders_of(self._library, ForeignPrograms(self._config.used_in_place).unused())

    def begin_import(self, path: Path, *, move: bool = False) -> int:
        """Begin to take a file, or the models of a folder, into Hearth's own; returns the job.

        Raises:
            ModelNotFoundError: there is no such file.
            ModelFileError: it is refused already.
            JobError: work in the background cannot be done.
        """
        plans = self.importing.check(path, move=move)
        title = plans[0].name if len(plans) == 1 else f"{len(plans)} models of {path.name}"
        place = str(path.expanduser().absolute())
        return self._add_job(JobKind.IMPORT, title, {"path": place, "move": move, "subject": place})

    def begin_verify(self, model: str) -> int:
        """Begin to verify a model; returns the job.

        Raises:
            ModelNotFoundError: there is none.
            JobError: work in the background cannot be done.
        """
        info = self._library.find(model)
        return self._add_job(JobKind.VERIFY, info.name, {"path": str(info.path), "subject": info.id})

    def arrived(self, path: Path, arrival: Arrival) -> None:
        """Note where a new file in Hearth's folder came from, let nobody write into it, and list it.

        Raises:
            ConfigError: it cannot be kept.
        """
        super().arrived(path, arrival)
        self._library.scan()
        with suppress(ModelError):
            for file in self._library.entry(str(path)).known.row.files:
                make_read_only(Path(file))

    def remove(self, model: str, *, permanently: bool = False) -> tuple[Path, ...]:
        """Put a model's files into the trash, or delete them; returns which.

        Raises:
            ModelError: it may not be removed, or cannot be.
        """
        entry = self._library.entry(model)
        gone = remove_model(entry, self._library, self._models, self._is_in_use, permanently=permanently)
        self._library.scan()
        return gone

    def probe(self, model: str) -> GateReport:
        """Try it, whatever is known."""
        try:
            return self._gatekeeper.check(self._library.find(model).path, again=True)
        finally:
            self._bump()

    def works(self) -> Mapping[JobKind, Work]:
        """The kinds of work that it does in the background."""
        clean_up(self._models)
        return {JobKind.IMPORT: self.importing, JobKind.VERIFY: self.verifying}

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    def _look_out(self) -> None:
        if self._is_open():
            self._watch.start()

    def _bump(self) -> None:
        self._changed = next(self._changes)
