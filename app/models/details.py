"""Details: what is slow to know of one model, and all that the sections about it are told."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from app.models.rows import Row
from engine import ModelCard, QualityReport

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Details:
    """What takes a look at the disk.

    Attributes:
        model: id of the row.
        reports: of its quality, and of others of the same source.
        files: that belong to it, with their sizes in bytes; 0 for one that is gone.
        same_template: how many other models here have the same chat template.
    """

    model: str
    reports: tuple[QualityReport, ...] = ()
    files: tuple[tuple[Path, int], ...] = ()
    same_template: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A row with everything around it.

    Attributes:
        row: which.
        details: as far as they are known.
        uses: where in the window it is chosen, a few words each.
        devices: titles by id.
    """

    row: Row
    details: Details
    uses: tuple[str, ...] = ()
    devices: Mapping[str, str] = field(default_factory=dict)


def files_of(card: ModelCard) -> tuple[tuple[Path, int], ...]:
    """A model's files with their sizes; looks at each. Thread: any."""
    found = []
    for path in card.files or (card.info.path,):
        try:
            found.append((path, path.stat().st_size))
        except OSError as error:
            log.info("%s cannot be looked at: %s", path, error)
            found.append((path, 0))
    return tuple(found)
