"""Whether a model that Hearth recommends is what somebody looks for; the hub answers the same for its own."""

from dataclasses import replace

from engine import Fit, HubFile, HubModel, HubQuery

ANYTHING = HubQuery()
"""What is looked for before anything was said."""


def is_anything(query: HubQuery) -> bool:
    """Whether nothing is asked for; the order does not count."""
    return replace(query, sort=ANYTHING.sort, limit=ANYTHING.limit) == ANYTHING


def matches(model: HubModel, query: HubQuery) -> bool:
    """Whether a model with known files is what is looked for."""
    words = query.text.casefold().split()
    said = f"{model.name} {model.repo} {model.summary} {' '.join(model.tasks)}".casefold()
    if not all(word in said for word in words):
        return False
    if query.task and query.task not in model.tasks:
        return False
    if query.licence and query.licence != model.licence.casefold():
        return False
    is_picky = query.format or query.quantization or query.most_bytes or query.fits_only
    return not is_picky or any(_suits(file, query) for file in model.files)


def _suits(file: HubFile, query: HubQuery) -> bool:
    if query.format and not file.name.casefold().endswith(f".{query.format}"):
        return False
    if query.quantization and query.quantization.casefold() != file.quantization.casefold():
        return False
    if query.most_bytes and file.size_bytes > query.most_bytes:
        return False
    return not query.fits_only or file.fit in {Fit.FITS, Fit.PAGING}
