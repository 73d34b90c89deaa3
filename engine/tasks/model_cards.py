"""Cards of models: everything that is known of one without loading it, put together."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from engine.cards import ModelCard, Provenance
from engine.devices.overrides import Overrides
from engine.gates import Gatekeeper
from engine.models.library import Entry, ModelLibrary
from engine.models.notes import NOTHING, Note, of_this_file


class CardMaker:
    """Makes cards.

    Thread: any.
    """

    def __init__(self, library: ModelLibrary, gatekeeper: Gatekeeper, overrides: Overrides) -> None:
        """Make one.

        Args:
            library: finds models, and has the notes about them.
            gatekeeper: knows which were tried.
            overrides: devices that were chosen for them.
        """
        self._library = library
        self._gatekeeper = gatekeeper
        self._overrides = overrides

    def of(self, entries: Iterable[Entry]) -> tuple[ModelCard, ...]:
        """Cards of models."""
        notes, templates = self._library.notes.all(), self._library.templates()
        speeds = self._library.speeds.new()
        cards = []
        for entry in entries:
            note = notes.get(str(entry.info.path), NOTHING)
            if entry.info.path in speeds:
                speed, device = speeds[entry.info.path]
                note = replace(note, tokens_per_s=speed, measured_on=device)
            cards.append(self._card(entry, note, templates))
        return tuple(cards)

    def _card(self, entry: Entry, note: Note, templates: Mapping[str, str]) -> ModelCard:
        info, row, found = entry.info, entry.known.row, entry.found
        note = of_this_file(note, info.path)
        device = self._overrides.of(info.id)
        return ModelCard(
            info=info,
            title=note.title or info.name,
            files=(info.path, *map(Path, row.files[1:])),
            provenance=Provenance(
                origin=found.origin,
                folder=found.folder,
                repo=note.repo or found.repo,
                revision=note.revision or found.revision,
                url=note.url,
                made_from=note.made_from,
                added_at=note.added_at or row.added_at,
            ),
            gate=self._gatekeeper.known(info.path),
            template=templates.get(row.template, ""),
            template_sha256=row.template,
            sha256=note.sha256,
            tags=note.tags,
            is_favourite=note.is_favourite,
            defaults=replace(note.defaults, device=device) if device else note.defaults,
            tokens_per_s=note.tokens_per_s,
            measured_on=note.measured_on,
            report=note.report,
        )
