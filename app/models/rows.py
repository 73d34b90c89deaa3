"""Row: one line of the table of installed models, a broken file among them; made off the UI thread."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from operator import attrgetter
from pathlib import Path
from typing import Final

from app.models.words import CHAT, KINDS, OTHER, is_text, kind_of, origin_words, size_words, speed_words, subtitle_words
from engine import LibraryFolder, ModelCard, Origin, Trust

ALL: Final = "All"
FILTERS: Final = (ALL, *KINDS)
_AGAIN: Final = "Fetch it again from where it came from, or remove it."


class Order(Enum):
    """How the table is sorted; its value is said in the menu."""

    NAME = "Name"
    LARGEST = "Largest first"
    SMALLEST = "Smallest first"
    FASTEST = "Fastest first"
    NEWEST = "Newest first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A model, or a file that cannot be used.

    Attributes:
        id: of the model; of a broken file its path.
        title: what it is called.
        subtitle: what it is for, its format and whose it is.
        kind: one of `KINDS`.
        size_bytes: of its files; 0 if unknown.
        size: the same in words.
        speed: as it was measured, in words.
        path: of its first file.
        origin: whose it is.
        card: everything about it; None for a file that is broken.
        rule: short name of the rule that refused it; empty if none did.
        cause: why it cannot be used; empty if it can.
        remedy: what to do about that.
        text: what a search looks at.
    """

    id: str
    title: str
    subtitle: str
    kind: str
    size_bytes: int
    size: str
    speed: str
    path: Path
    origin: Origin
    card: ModelCard | None = None
    rule: str = ""
    cause: str = ""
    remedy: str = ""
    text: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether it cannot be used."""
        return bool(self.cause)

    @property
    def tags(self) -> tuple[str, ...]:
        """The person's."""
        return self.card.tags if self.card is not None else ()

    @property
    def is_favourite(self) -> bool:
        """For the person."""
        return self.card is not None and self.card.is_favourite


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which rows are shown, and how they are sorted.

    Attributes:
        words: that must all occur.
        kind: one of `FILTERS`.
        favourites_only: leave the others out.
        tag: that they must have; empty for any.
        order: how they are sorted.
    """

    words: str = ""
    kind: str = ALL
    favourites_only: bool = False
    tag: str = ""
    order: Order = Order.NAME


def rows_of(cards: Iterable[ModelCard], folders: Iterable[LibraryFolder]) -> tuple[Row, ...]:
    """Make the rows: usable models and refused ones, then files that no model can be read from."""
    rows = _told_apart([row_of(card) for card in cards])
    known = {path for row in rows if row.card is not None for path in (row.path, *row.card.files)}
    for folder in folders:
        if folder.is_used:
            rows += [_broken(path, reason, folder) for path, reason in folder.broken if path not in known]
    return tuple(rows)


def row_of(card: ModelCard) -> Row:
    """Make the row of a model."""
    info, gate = card.info, card.gate
    is_refused = gate.trust is Trust.REFUSED
    subtitle = subtitle_words(card)
    text = (card.title, info.id, info.name, info.architecture, subtitle, " ".join(info.tasks), *card.tags)
    return Row(
        id=info.id,
        title=card.title or info.id,
        subtitle=subtitle,
        kind=kind_of(info.accepts),
        size_bytes=info.size_bytes,
        size=size_words(info.size_bytes),
        speed=speed_words(card.tokens_per_s, is_text=is_text(info.accepts)),
        path=info.path,
        origin=card.provenance.origin,
        card=card,
        rule=gate.rule if is_refused else "",
        cause=(gate.cause or "It was refused when it was tried out.") if is_refused else "",
        remedy=gate.remedy if is_refused else "",
        text=" ".join(text).casefold(),
    )


def shown(rows: Iterable[Row], chosen: Filter) -> list[Row]:
    """The rows that a filter lets through, sorted; favourites come first where names are sorted."""
    words = chosen.words.casefold().split()
    found = [row for row in rows if _is_shown(row, chosen, words)]
    found.sort(key=lambda row: (row.title.casefold(), row.id))
    keys: dict[Order, Callable[[Row], object]] = {
        Order.NAME: lambda row: not row.is_favourite,
        Order.LARGEST: lambda row: -row.size_bytes,
        Order.SMALLEST: attrgetter("size_bytes"),
        Order.FASTEST: lambda row: -((row.card and row.card.tokens_per_s) or 0.0),
        Order.NEWEST: lambda row: -(row.card.provenance.added_at if row.card else 0.0),
    }
    found.sort(key=keys[chosen.order])  # type: ignore[arg-type]  # each of them gives one kind of key
    return found


def counts(rows: Sequence[Row]) -> dict[str, int]:
    """How many rows there are of each of `FILTERS`."""
    found = {name: sum(row.kind == name for row in rows) for name in KINDS}
    return {ALL: len(rows), **found}


def tags_of(rows: Iterable[Row]) -> tuple[str, ...]:
    """All tags in use."""
    return tuple(sorted({tag for row in rows for tag in row.tags}, key=str.casefold))


def _told_apart(rows: Sequence[Row]) -> list[Row]:
    """Rows of one name say their files' names as well."""
    often = Counter(row.title for row in rows)
    return [
        row if often[row.title] == 1 else replace(row, subtitle=f"{row.path.name} · {row.subtitle}") for row in rows
    ]


def _is_shown(row: Row, chosen: Filter, words: list[str]) -> bool:
    return (
        chosen.kind in (ALL, row.kind)
        and (not chosen.favourites_only or row.is_favourite)
        and (not chosen.tag or chosen.tag in row.tags)
        and all(word in row.text for word in words)
    )


def _broken(path: Path, reason: str, folder: LibraryFolder) -> Row:
    size_bytes = _size_of(path)
    whose = origin_words(folder.origin, folder.path.name)
    subtitle = " · ".join(filter(None, (path.suffix.removeprefix(".").upper() or "File", whose)))
    cause, remedy = _split(reason)
    return Row(
        id=str(path),
        title=path.name,
        subtitle=subtitle,
        kind=CHAT if path.suffix.lower() == ".gguf" else OTHER,
        size_bytes=size_bytes,
        size=size_words(size_bytes) if size_bytes else "–",
        speed="–",
        path=path,
        origin=folder.origin,
        cause=cause,
        remedy=remedy or _AGAIN,
        text=f"{path.name} {subtitle} {reason} refused".casefold(),
    )


def _split(reason: str) -> tuple[str, str]:
    """A reason of two sentences: why, and what to do."""
    cause, dot, remedy = reason.strip().partition(". ")
    return (f"{cause}." if dot else cause or "It cannot be read."), remedy


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
