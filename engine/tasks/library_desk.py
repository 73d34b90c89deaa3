"""LibraryDesk: does what the library's door promises."""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.background import JobKind
from engine.cards import Arrival, GateReport, LibraryFolder, ModelCard, ModelDefaults
from engine.config import EngineConfig
from engine.devices.overrides import Overrides
from engine.gates import Gatekeeper
from engine.jobs import Spec, Work
from engine.models.library import ModelLibrary
from engine.models.notes import Note, note_stamp
from engine.models.places import ForeignPrograms
from engine.tasks.default_limits import check_defaults
from engine.tasks.library_folders import folders_of
from engine.tasks.library_watch import LibraryWatch
from engine.tasks.model_cards import CardMaker


class LibraryDesk:
    """Looks after the models that are here.

    Thread: any.
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
        self._config = config
        self._library = library
        self._gatekeeper = gatekeeper
        self._is_in_use = is_in_use
        self._add_job = add_job
        self._overrides = overrides if overrides is not None else Overrides(config.home / "placements.json")
        self._is_open = is_open
        self._cards = CardMaker(library, gatekeeper, self._overrides)
        self._watch = LibraryWatch(library, library.scan)
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

    def rename(self, model: str, title: str) -> None:
        """Call a model something else."""
        self._note(model, lambda note: replace(note, title=" ".join(title.split())))

    def tag(self, model: str, tags: Sequence[str]) -> None:
        """Replace its tags."""
        clean = tuple(dict.fromkeys(word for tag in tags if (word := " ".join(tag.split()))))
        self._note(model, lambda note: replace(note, tags=clean))

    def favour(self, model: str, is_favourite: bool) -> None:
        """Mark it as a favourite, or no longer."""
        self._note(model, lambda note: replace(note, is_favourite=is_favourite))

    def set_defaults(self, model: str, defaults: ModelDefaults) -> None:
        """Set what holds for it.

        Raises:
            InvalidRequestError: a number makes no sense.
        """
        check_defaults(defaults)
        entry = self._library.entry(model)
        if defaults.device != self._overrides.of(entry.info.id):
            self._overrides.choose(entry.info.id, defaults.device)
        kept = replace(defaults, device="")
        self._library.notes.change(entry.info.path, lambda note: replace(note, defaults=kept))
        self._bump()

    def probe(self, model: str) -> GateReport:
        """Try it, whatever is known."""
        try:
            return self._gatekeeper.check(self._library.find(model).path, again=True)
        finally:
            self._bump()

    def arrived(self, path: Path, arrival: Arrival) -> None:
        """Note where a new file in Hearth's folder came from."""
        stamp = note_stamp(path)
        self._library.notes.change(
            path,
            lambda note: replace(
                note,
                repo=arrival.repo,
                revision=arrival.revision,
                url=arrival.url,
                made_from=arrival.made_from,
                sha256=arrival.sha256,
                report=arrival.report,
                added_at=time.time(),
                stamp=stamp,
            ),
        )

    def note_speed(self, path: Path, tokens_per_s: float, device: str) -> None:
        """Note how fast a model wrote an answer; microseconds."""
        self._library.speeds.note(path, tokens_per_s, device)

    def works(self) -> Mapping[JobKind, Work]:
        """The kinds of work that it does in the background."""
        return {}

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    def _look_out(self) -> None:
        if self._is_open():
            self._watch.start()

    def _bump(self) -> None:
        self._changed = next(self._changes)

    def _note(self, model: str, how: Callable[[Note], Note]) -> None:
        self._library.notes.change(self._library.find(model).path, how)
