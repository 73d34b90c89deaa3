"""LibraryDesk: does what the library's door promises."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from engine.background import JobKind
from engine.cards import Arrival, GateReport, LibraryFolder, ModelCard, ModelDefaults, Origin
from engine.config import EngineConfig
from engine.gates import Gatekeeper
from engine.jobs import Spec, Work
from engine.models.library import ModelLibrary
from engine.models.notes import Note
from engine.tasks.default_limits import check_defaults
from engine.tasks.model_cards import card_of
from resources import models_dir


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
    ) -> None:
        """Make a desk; nothing is read yet.

        Args:
            config: of the engine.
            library: finds models.
            gatekeeper: knows which were tried.
            is_in_use: says whether a model is loaded, being loaded, or wanted.
            add_job: begins work in the background.
        """
        self._config = config
        self._library = library
        self._gatekeeper = gatekeeper
        self._is_in_use = is_in_use
        self._add_job = add_job
        self._version = 0

    def cards(self) -> tuple[ModelCard, ...]:
        """All models that are here."""
        return tuple(
            card_of(info, self._library, self._gatekeeper, self._origin(info.path)) for info in self._library.scan()
        )

    def card(self, model: str) -> ModelCard:
        """One model.

        Raises:
            ModelNotFoundError: there is none.
            ModelFileError: its file is broken.
        """
        info = self._library.find(model)
        return card_of(info, self._library, self._gatekeeper, self._origin(info.path))

    def version(self) -> int:
        """Goes up with every change."""
        return self._version

    def folders(self) -> tuple[LibraryFolder, ...]:
        """All folders that are searched."""
        models = self._library.scan()
        found = []
        for folder in self._library.dirs:
            mine = [info for info in models if info.path.is_relative_to(folder)]
            broken = tuple(entry for entry in self._library.broken if entry[0].is_relative_to(folder))
            size = sum(info.size_bytes for info in mine)
            origin = self._origin(folder / "any")
            found.append(
                LibraryFolder(
                    path=folder, origin=origin, is_used=True, models=len(mine), size_bytes=size, broken=broken
                )
            )
        return tuple(found)

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
        self._note(model, lambda note: replace(note, defaults=defaults))

    def probe(self, model: str) -> GateReport:
        """Try it, whatever is known."""
        return self._gatekeeper.check(self._library.find(model).path, again=True)

    def arrived(self, path: Path, arrival: Arrival) -> None:
        """Note where a new file in Hearth's folder came from."""
        status = path.stat()
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
                stamp=(status.st_size, status.st_mtime_ns),
            ),
        )
        self._version += 1

    def works(self) -> Mapping[JobKind, Work]:
        """The kinds of work that it does in the background."""
        return {}

    def close(self) -> None:
        """Close what it has opened; it opens again when it is needed."""
        self._library.notes.close()

    def _note(self, model: str, how: Callable[[Note], Note]) -> None:
        self._library.notes.change(self._library.find(model).path, how)
        self._version += 1

    def _origin(self, path: Path) -> Origin:
        if path.is_relative_to(models_dir()):
            return Origin.INCLUDED
        return Origin.OWN if path.is_relative_to(self._config.home / "models") else Origin.FOLDER
