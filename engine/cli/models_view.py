"""How `hearth models` shows models: as a table, and one with all that is known of it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.cards import ModelCard, Origin
from engine.cli.output import human_count, human_size, plain
from engine.footprint import FitVerdict

if TYPE_CHECKING:
    from rich.table import Table

_SHOWN_CHARACTERS: Final = 80
_OURS: Final = frozenset({Origin.INCLUDED, Origin.OWN})
_RIGHT: Final = ("parameters", "context", "size", "tokens/s")


def models_table(cards: Sequence[ModelCard], fits: Mapping[str, FitVerdict]) -> "Table":
    """A row for each model.

    Args:
        cards: of the models.
        fits: whether they fit, by id; empty leaves the column out.
    """
    from rich import box
    from rich.table import Table

    columns: dict[str, Callable[[ModelCard], str]] = {
        "id": lambda card: _literal(f"{card.info.id} ★" if card.is_favourite else card.info.id),
        "can": lambda card: ", ".join(card.info.tasks),
        "parameters": lambda card: human_count(card.info.parameters),
        "type": lambda card: card.info.quantization or "–",
        "context": lambda card: f"{card.info.context_tokens:,}" if card.info.context_tokens else "–",
        "size": lambda card: human_size(card.info.size_bytes),
    }
    # A terminal is narrow: what all models have in common is not said of each.
    if not {card.provenance.origin for card in cards} <= _OURS:
        columns["of"] = lambda card: card.provenance.origin
    if any(card.tokens_per_s for card in cards):
        columns["tokens/s"] = lambda card: f"{card.tokens_per_s:.1f}" if card.tokens_per_s else "–"
    if fits:
        columns["fits"] = lambda card: fits[card.info.id].fit if card.info.id in fits else "–"
    table = Table(box=box.SIMPLE_HEAD)
    for heading in columns:
        table.add_column(heading, justify="right" if heading in _RIGHT else "left")
    for card in cards:
        table.add_row(*(column(card) for column in columns.values()))
    return table


def card_table(card: ModelCard) -> "Table":
    """All that is known of one model."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for name, value in _facts(card).items():
        if value:
            table.add_row(f"[bold]{name}[/bold]", _literal(value))
    return table


def metadata_table(metadata: dict[str, object]) -> "Table":
    """The keys of a header."""
    from rich import box
    from rich.table import Table

    table = Table("key", "value", box=box.SIMPLE_HEAD)
    for key, value in metadata.items():
        text = str(value).replace("\n", "⏎")
        short = text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
        table.add_row(_literal(key), _literal(short))
    return table


def model_document(card: ModelCard) -> dict[str, object]:
    """A model as JSON: what its header says, and what is known beside."""
    found = plain(card.info)
    assert isinstance(found, dict)
    return {
        **found,
        "title": card.title,
        "origin": card.provenance.origin,
        "folder": card.provenance.folder,
        "repo": card.provenance.repo or None,
        "revision": card.provenance.revision or None,
        "made_from": card.provenance.made_from or None,
        "files": card.files,
        "trust": card.gate.trust,
        "sha256": card.sha256 or None,
        "template_sha256": card.template_sha256 or None,
        "tags": card.tags,
        "is_favourite": card.is_favourite,
        "defaults": card.defaults,
        "tokens_per_s": card.tokens_per_s,
        "measured_on": card.measured_on or None,
    }


def _facts(card: ModelCard) -> dict[str, str]:
    info, source, gate = card.info, card.provenance, card.gate
    speed = f"{card.tokens_per_s:.1f} tokens/s on {card.measured_on}" if card.tokens_per_s else ""
    return {
        "id": info.id,
        "name": info.name,
        "title": card.title if card.title != info.name else "",
        "file": str(info.path),
        "beside": ", ".join(_short(path, info.path.parent) for path in card.files[1:]),
        "architecture": info.architecture,
        "can": ", ".join(info.tasks),
        "parameters": human_count(info.parameters),
        "type": info.quantization or "–",
        "context": f"{info.context_tokens:,} tokens" if info.context_tokens else "–",
        "size": human_size(info.size_bytes),
        "licence": info.licence or "not stated",
        "from": " ".join(text for text in (source.origin, source.repo, source.revision[:12]) if text),
        "made from": source.made_from,
        "trust": f"{gate.trust}: {gate.cause}" if gate.cause else gate.trust,
        "SHA-256": card.sha256,
        "template": f"SHA-256 {card.template_sha256}" if card.template_sha256 else "",
        "tags": ", ".join(card.tags),
        "speed": speed,
    }


def _short(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _literal(text: str) -> str:
    """A file's own words must not be taken for rich's markup."""
    from rich.markup import escape

    return escape(text)
