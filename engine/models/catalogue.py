"""Catalogue: what files are, found out once for each version of a file and of the plugins, and kept in the index."""

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from engine.errors import ModelFileError
from engine.models.index import KeptInfo, LibraryIndex, New, Offered, Row
from engine.models.model_file import Stamp, digest_of, read_model, stamp_of
from engine.models.sources import Found
from engine.plugins.contract.models import ModelFacts
from engine.plugins.registry import Registry, Served
from engine.types import ModelInfo

SAVE_EVERY: Final = 100
"""Files that are read between two saves; what a kill costs."""

_NOTHING: Final = Offered("")


@dataclass(frozen=True, slots=True)
class Known:
    """What was found out about a file.

    Attributes:
        path: of it.
        stamp: of the file when it was read.
        version: of the registry that was asked.
        row: what is kept of it.
        model: with what its plugins say; None if it cannot be used.
        facts: what plugins were told, until the index has it.
        template: its chat template, until the index has it.
    """

    path: Path
    stamp: Stamp
    version: int
    row: Row
    model: ModelInfo | None
    facts: ModelFacts | None = field(default=None, repr=False)
    template: str = field(default="", repr=False)

    @property
    def refusal(self) -> ModelFileError:
        """Why it cannot be used."""
        return ModelFileError(*self.row.refusal)


class Catalogue:
    """Looks at files.

    Thread: one at a time.

    Attributes:
        fresh: files that were new or different at the last look.
    """

    def __init__(self, registry: Registry, index: LibraryIndex | None = None) -> None:
        """Know nothing yet.

        Args:
            registry: says what can be done with a model.
            index: keeps what was found out; nothing is kept if not given.
        """
        self._registry = registry
        self._index = index if index is not None else LibraryIndex()
        self._known: dict[str, Known] = {}
        self._elsewhere: dict[str, Known] = {}  # files that were asked for by their path
        self._rows: Mapping[str, Row] | None = None  # of the index, until they were looked at
        self._changed: dict[str, Known] = {}  # since the last save
        self._templates: dict[str, str] = {}  # as the index has them
        self.fresh: frozenset[str] = frozenset()

    def look(self, files: Iterable[Found]) -> Mapping[str, Known]:
        """Say what files are; those that have gone are left out, and forgotten."""
        if self._rows is None:
            self._rows = dict(self._index.load())
        known: dict[str, Known] = {}
        fresh: set[str] = set()
        by = self._registry.recognisers()
        for found in files:
            path = str(found.path)
            before = self._known.get(path) or self._kept(found.path)
            try:
                now = self._look(found, before, by)
            except OSError:
                continue
            known[path] = now
            if before is None or before.stamp != now.stamp:
                fresh.add(path)
            if before is None or now.row is not before.row:
                self._changed[path] = now
                if len(self._changed) >= SAVE_EVERY:
                    known |= self._save(())
        left = (self._known.keys() | self._rows.keys()) - known.keys()
        gone = [path for path in left if not os.path.exists(path)]  # others may be another Hearth's
        if self._changed or gone:
            known |= self._save(gone)
        self._rows = {}
        self._known, self.fresh = known, frozenset(fresh)
        return known

    def look_outside(self, found: Found) -> Known | None:
        """Say what a file is that is in no folder; None if it is not there."""
        try:
            path, by = str(found.path), self._registry.recognisers()
            known = self._elsewhere[path] = self._look(found, self._elsewhere.get(path), by)
        except OSError:
            return None
        return known

    def facts(self, known: Known) -> ModelFacts | None:
        """What plugins are told of a file; None if they are told nothing."""
        if known.facts is not None or not known.row.has_facts:
            return known.facts
        return self._index.facts(str(known.path))

    def templates(self) -> Mapping[str, str]:
        """All chat templates, by their SHA-256."""
        wanted = {known.row.template for known in self._known.values()} - {""}
        if not wanted <= self._templates.keys():
            self._templates = dict(self._index.templates())
        fresh = {known.row.template: known.template for known in self._all() if known.template}
        return {**self._templates, **fresh}

    def close(self) -> None:
        """Close the index; it opens again when it is needed."""
        self._index.close()

    def _all(self) -> Iterable[Known]:
        yield from self._known.values()
        yield from self._elsewhere.values()

    def _kept(self, path: Path) -> Known | None:
        """What the index has of a file, with version 0, which no plugin has."""
        row = self._rows.get(str(path)) if self._rows else None
        return None if row is None else Known(path, row.stamp, -1, row, None)

    def _look(self, found: Found, before: Known | None, by: str) -> Known:
        """What a file is, given what it was when it was last looked at."""
        stamp = stamp_of(found.path)
        version = self._registry.version  # before asking: a change meanwhile makes the answer old, never lasting
        if before is None or before.stamp != stamp or _is_renamed(found, before):
            before = self._read(found, stamp, before)
        elif before.version == version:
            return before
        return self._served(found, before, version, by)

    def _read(self, found: Found, stamp: Stamp, before: Known | None) -> Known:
        added_at = before.row.added_at if before is not None else time.time()
        try:
            file = read_model(found)
        except ModelFileError as error:
            refusal = (error.cause, error.remedy, error.rule)
            return Known(found.path, stamp, -1, Row(stamp, added_at, None, refusal), None)
        row = Row(
            stamp=stamp,
            added_at=added_at,
            info=KeptInfo.of(file.info),
            has_facts=file.facts is not None,
            template=digest_of(file.template),
            files=tuple(str(path) for path in file.files),
        )
        return Known(found.path, stamp, -1, row, None, file.facts, file.template)

    def _served(self, found: Found, known: Known, version: int, by: str) -> Known:
        """Add what the plugins say."""
        row = known.row
        offered = row.offered
        if row.has_facts and (offered is None or not by or offered.by != by):
            facts = self.facts(known)
            if facts is None:  # the index has lost it
                known = self._read(found, known.stamp, known)
                row, facts = known.row, known.facts
            if facts is not None:
                offered = _offered(by, self._registry.serve(facts))
                row = msgspec.structs.replace(row, offered=offered) if by else row
        model = None if row.info is None else row.info.info(found.path, offered or _NOTHING)
        return Known(known.path, known.stamp, version, row, model, known.facts, known.template)

    def _save(self, gone: Iterable[str]) -> Mapping[str, Known]:
        """Keep what has changed; returns it as it is to be remembered."""
        changed, self._changed = self._changed, {}
        new: list[New] = [(str(known.path), known.row, known.facts, known.template) for known in changed.values()]
        if not self._index.save(new, gone):
            return {}
        return {path: replace(known, facts=None, template="") for path, known in changed.items()}


def _offered(by: str, served: Served) -> Offered:
    return Offered(by, tuple(served.accepts), served.tasks, served.plugins)


def _is_renamed(found: Found, known: Known) -> bool:
    """Whether another program calls the same file something else now."""
    return bool(found.id) and known.row.info is not None and known.row.info.id != found.id
