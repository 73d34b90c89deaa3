"""NotesDesk: writes down what people and Hearth say about single models."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from engine.cards import Arrival, ModelDefaults
from engine.devices.overrides import Overrides
from engine.models.library import ModelLibrary
from engine.models.notes import Note, note_stamp
from engine.tasks.default_limits import check_defaults

MOST_TITLE_CHARS = 200
MOST_TAGS = 50
MOST_TAG_CHARS = 50


class NotesDesk:
    """Writes notes; `LibraryDesk` is one.

    Thread: any.
    """

    def __init__(self, library: ModelLibrary, overrides: Overrides) -> None:
        """Make a desk.

        Args:
            library: finds models, and keeps the notes.
            overrides: devices that were chosen for models.
        """
        self._library = library
        self._overrides = overrides

    def rename(self, model: str, title: str) -> None:
        """Call a model something else; an empty title takes its own name again.

        Raises:
            ModelNotFoundError: there is none.
            ConfigError: it cannot be kept.
        """
        self._note(model, lambda note: replace(note, title=" ".join(title.split())[:MOST_TITLE_CHARS]))

    def tag(self, model: str, tags: Sequence[str]) -> None:
        """Replace its tags.

        Raises:
            ModelNotFoundError: there is none.
            ConfigError: they cannot be kept.
        """
        clean = dict.fromkeys(word for tag in tags if (word := " ".join(tag.split())[:MOST_TAG_CHARS]))
        self._note(model, lambda note: replace(note, tags=tuple(clean)[:MOST_TAGS]))

    def favour(self, model: str, is_favourite: bool) -> None:
        """Mark it as a favourite, or no longer.

        Raises:
            ModelNotFoundError: there is none.
            ConfigError: it cannot be kept.
        """
        self._note(model, lambda note: replace(note, is_favourite=is_favourite))

    def set_defaults(self, model: str, defaults: ModelDefaults) -> None:
        """Set what holds for it, from the next load on.

        Raises:
            InvalidRequestError: a number makes no sense.
            ModelNotFoundError: there is none.
            ConfigError: it cannot be kept.
        """
        check_defaults(defaults)
        info = self._library.find(model)
        if defaults.device != self._overrides.of(info.id):
            self._overrides.choose(info.id, defaults.device)
        kept = replace(defaults, device="")
        self._library.notes.change(info.path, lambda note: replace(note, defaults=kept))

    def arrived(self, path: Path, arrival: Arrival) -> None:
        """Note where a new file in Hearth's folder came from.

        Raises:
            ConfigError: it cannot be kept.
        """
        stamp, now_s = note_stamp(path), time.time()
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
                added_at=now_s,
                stamp=stamp,
            ),
        )

    def note_speed(self, path: Path, tokens_per_s: float, device: str) -> None:
        """Note how fast a model wrote an answer; microseconds."""
        self._library.speeds.note(path, tokens_per_s, device)

    def _note(self, model: str, how: Callable[[Note], Note]) -> None:
        self._library.notes.change(self._library.find(model).path, how)
