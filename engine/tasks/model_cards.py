"""Cards of models: everything that is known of one without loading it, put together."""

import hashlib
from pathlib import Path

from engine.cards import ModelCard, Origin, Provenance
from engine.gates import Gatekeeper
from engine.models.library import ModelLibrary
from engine.models.notes import same_file
from engine.types import ModelInfo

_TEMPLATE_KEY = "tokenizer.chat_template"


def card_of(info: ModelInfo, library: ModelLibrary, gatekeeper: Gatekeeper, origin: Origin) -> ModelCard:
    """The card of a model."""
    status = info.path.stat()
    note = same_file(library.notes.of(info.path), (status.st_size, status.st_mtime_ns))
    facts = library.facts(info.path)
    template = str(facts.metadata.get(_TEMPLATE_KEY, "")) if facts is not None else ""
    return ModelCard(
        info=info,
        title=note.title or info.name,
        files=(info.path,),
        provenance=Provenance(
            origin=origin,
            folder=Path(info.path.parent),
            repo=note.repo,
            revision=note.revision,
            url=note.url,
            made_from=note.made_from,
            added_at=note.added_at,
        ),
        gate=gatekeeper.known(info.path),
        template=template,
        template_sha256=hashlib.sha256(template.encode()).hexdigest() if template else "",
        sha256=note.sha256,
        tags=note.tags,
        is_favourite=note.is_favourite,
        defaults=note.defaults,
        tokens_per_s=note.tokens_per_s,
        measured_on=note.measured_on,
        report=note.report,
    )
