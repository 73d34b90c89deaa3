"""What would make a model fit that does not, or spare it from being paged: the least loss first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil
from types import MappingProxyType
from typing import Final

from engine.devices.room import gigabytes
from engine.footprint import Fit
from engine.memory.load_size import LoadSize
from engine.models.shape import ModelShape

_LEAST_CONTEXT: Final = 512
_CLEARLY_SMALLER: Final = 0.95

BITS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "Q8_0": 8.5,
        "Q6_K": 6.6,
        "Q5_K_M": 5.7,
        "Q4_K_M": 4.9,
        "IQ4_XS": 4.4,
        "Q3_K_M": 4.0,
        "Q2_K": 3.2,
    }
)
"""Bits per weight of usual quantizations, rounded up; models of a large vocabulary differ a little."""


class RemedyKind(StrEnum):
    """What is changed."""

    CONTEXT = "context"
    SEQUENCES = "sequences"
    QUANTIZATION = "quantization"
    BOTH = "both"  # another context and another quantization
    BUDGET = "budget"
    CLOSE = "close"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Memory that a model may take.

    Attributes:
        size_bytes: so much.
        reason: why that much, as it follows on "8.2 GB".
        is_set: whether a person has set it; otherwise it is what is free.
        others_bytes: of what a person has set, what models hold that stay; comes on top of `size_bytes`.
        machine_bytes: all memory of the machine, or of the control group; 0 if unknown.
    """

    size_bytes: int
    reason: str = "is free"
    is_set: bool = False
    others_bytes: int = 0
    machine_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One change, and what comes of it.

    Attributes:
        kind: what is changed.
        sentence: for people.
        size: the model, with that change.
        budget_bytes: memory, with that change.
        fit: how it fits then.
    """

    kind: RemedyKind
    sentence: str
    size: LoadSize
    budget_bytes: int
    fit: Fit


def fit_of(size: LoadSize, budget_bytes: int) -> Fit:
    """Whether a model fits."""
    if size.least_bytes <= budget_bytes:
        return Fit.FITS
    return Fit.PAGING if size.paged(budget_bytes) is not None else Fit.NO


def remedies(size: LoadSize, budget: Budget) -> tuple[Remedy, ...]:
    """What would make a model fit, in the order in which it is offered; nothing for one that fits."""
    now = fit_of(size, budget.size_bytes)
    return () if now is Fit.FITS else tuple(_remedies(size, budget, now))


def _remedies(size: LoadSize, budget: Budget, now: Fit) -> Iterator[Remedy]:
    if size.is_text and size.shape is not None:
        found = [
            *_smaller_context(size, budget, now),
            *_fewer_sequences(size, budget, now),
            *_smaller_weights(size, size.shape, budget),
        ]
        yield from found or _both_smaller(size, size.shape, budget)
    yield from _more_memory(size, budget, now)


def _smaller_context(size: LoadSize, budget: Budget, now: Fit) -> Iterator[Remedy]:
    """The longest context with which it fits; with which it can be paged, if there is no such."""
    smaller = [_with(size, context_tokens=context) for context in _contexts(size)]
    for wanted in (Fit.FITS, Fit.PAGING):
        if wanted is now:
            return
        for one in smaller:
            if fit_of(one, budget.size_bytes) is wanted:
                context = one.options.context_tokens
                how = "it fits then" if wanted is Fit.FITS else "it fits with paging then"
                sentence = f"Use a context of {context:,} tokens: {how}."
                yield _remedy(RemedyKind.CONTEXT, sentence, one, budget.size_bytes, wanted)
                return


def _fewer_sequences(size: LoadSize, budget: Budget, now: Fit) -> Iterator[Remedy]:
    count = size.options.max_sequences
    while count > 1:
        count //= 2
        fewer = _with(size, max_sequences=count)
        found = fit_of(fewer, budget.size_bytes)
        if found is Fit.FITS or (found is Fit.PAGING and now is Fit.NO):
            what = "one answer at a time" if count == 1 else f"{count} answers at a time"
            yield _remedy(RemedyKind.SEQUENCES, f"Allow {what}.", fewer, budget.size_bytes, found)
            return


def _smaller_weights(size: LoadSize, shape: ModelShape, budget: Budget) -> Iterator[Remedy]:
    """The finest quantization with which it fits."""
    for name, smaller in _quantizations(size, shape):
        if fit_of(smaller, budget.size_bytes) is Fit.FITS:
            sentence = f"Take it as {name}, {_weights(smaller, shape)}."
            yield _remedy(RemedyKind.QUANTIZATION, sentence, smaller, budget.size_bytes, Fit.FITS)
            return


def _both_smaller(size: LoadSize, shape: ModelShape, budget: Budget) -> Iterator[Remedy]:
    """The longest context, and then the finest quantization, with which it fits."""
    for context in _contexts(size):
        for name, smaller in _quantizations(_with(size, context_tokens=context), shape):
            if fit_of(smaller, budget.size_bytes) is Fit.FITS:
                sentence = f"Use a context of {context:,} tokens, and take it as {name}, {_weights(smaller, shape)}."
                yield _remedy(RemedyKind.BOTH, sentence, smaller, budget.size_bytes, Fit.FITS)
                return


def _contexts(size: LoadSize) -> Iterator[int]:
    """Shorter ones, the longest first."""
    context = size.context_tokens
    while context > _LEAST_CONTEXT:
        context = max(_LEAST_CONTEXT, 1 << ((context - 1).bit_length() - 1))
        yield context


def _quantizations(size: LoadSize, shape: ModelShape) -> Iterator[tuple[str, LoadSize]]:
    """Smaller ones, the finest first."""
    for name, bits in BITS.items():
        if shape.parameters and bits < _CLEARLY_SMALLER * shape.bits_per_weight:
            yield name, _with_bits(size, shape, bits)


def _weights(smaller: LoadSize, shape: ModelShape) -> str:
    return f"whose weights are about {gigabytes(smaller.weight_bytes)} instead of {gigabytes(shape.size_bytes)}"


def _more_memory(size: LoadSize, budget: Budget, now: Fit) -> Iterator[Remedy]:
    needs = [(size.least_bytes, Fit.FITS)]
    if now is Fit.NO and (paged := size.paged_bytes) is not None and paged < needs[0][0]:
        needs.append((paged, Fit.PAGING))
    for need, fit in needs:
        others = budget.others_bytes if budget.is_set else 0
        enough = rounded_up(need + others)
        if budget.machine_bytes and enough > budget.machine_bytes:
            if fit is Fit.FITS:
                sentence = f"Run it where there is at least {gigabytes(enough)} of memory."
                yield _remedy(RemedyKind.MACHINE, sentence, size, enough - others, fit)
            continue
        how = "" if fit is Fit.FITS else " to run it with paging"
        if budget.is_set:
            sentence = f"Allow models at least {gigabytes(enough)} of memory{how}."
            yield _remedy(RemedyKind.BUDGET, sentence, size, enough - others, fit)
        else:
            sentence = f"Close other programs until {gigabytes(enough)} of memory is free{how}."
            yield _remedy(RemedyKind.CLOSE, sentence, size, enough, fit)


def rounded_up(size_bytes: int) -> int:
    """To what people are told, which is enough then."""
    unit = 100_000_000 if size_bytes > 950_000_000 else 1_000_000
    return ceil(size_bytes / unit) * unit


def _remedy(kind: RemedyKind, sentence: str, size: LoadSize, budget_bytes: int, fit: Fit) -> Remedy:
    return Remedy(kind=kind, sentence=sentence, size=size, budget_bytes=budget_bytes, fit=fit)


def _with(size: LoadSize, **options: int) -> LoadSize:
    return replace(size, options=replace(size.options, **options))  # type: ignore[arg-type]


def _with_bits(size: LoadSize, shape: ModelShape, bits: float) -> LoadSize:
    """The same model with weights of so many bits; how its file would be laid out is not known."""
    part = bits / shape.bits_per_weight
    smaller = replace(
        shape,
        size_bytes=int(shape.parameters * bits / 8),
        layer_bytes=int(shape.layer_bytes * part),
        embedding_bytes=int(shape.embedding_bytes * part),
    )
    info = replace(size.info, size_bytes=smaller.size_bytes)
    return replace(size, info=info, shape=smaller, layout=None)
