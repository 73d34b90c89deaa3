"""Which file of a model to take on this machine."""

from collections.abc import Sequence
from typing import Final

from engine.finds import HubFile
from engine.footprint import Fit

_GOOD: Final = ("Q6_K", "Q5_K_M", "Q5_K_L", "Q5_K_S", "Q5_0", "Q4_K_M", "Q4_K_L", "Q4_K_S", "IQ4_XS", "IQ4_NL", "Q4_0")
"""Types of weights that keep nearly all of a model's quality and decode quickly, the finest first."""
_FINEST: Final = "Q8_0"
_GRAPHS: Final = ("INT8", "F16", "F32", "INT4")
"""The same for graphs: whole numbers are as good there and two to four times as quick."""
_SMALL_BYTES: Final = 1 << 30
"""Up to here eight bits are taken: small models lose more with fewer, and are quick anyway."""
_LARGE_BYTES: Final = 4 << 30
"""Above, as few bits as are good are taken where the speed is not known: it falls with every byte."""
_SLOW_TOKENS_PER_S: Final = 6.0
"""About as fast as people read."""


def recommended(files: Sequence[HubFile]) -> str:
    """Name of the file to take on this machine; empty if none fits, or nothing is known.

    Of those that stay in memory as a whole: eight bits if that is a small file, else the finest from Q6_K down to four
    bits that writes as fast as people read. Where nothing of the kind is offered, the largest whose weights were made
    smaller at all. If every file has to be paged, the smallest good one, since every byte counts then.

    Args:
        files: smallest first.
    """
    whole = [file for file in files if file.fit is Fit.FITS]
    paged = [file for file in files if file.fit is Fit.PAGING]
    if small := [file for file in whole if _kind(file) == _FINEST and file.size_bytes <= _SMALL_BYTES]:
        return small[-1].name
    if found := _best(whole):
        return found.name
    if whole:
        smaller = [file for file in whole if _kind(file) not in {"F32", "F16", "BF16"}]
        return (smaller or whole[:1])[-1].name
    good = [file for file in paged if _rank(file) is not None]
    return next((file.name for file in good or paged), "")


def _best(files: Sequence[HubFile]) -> HubFile | None:
    """The finest of the good ones that is quick, else the coarsest of them."""
    ranks = [(rank, number) for number, file in enumerate(files) if (rank := _rank(file)) is not None]
    good = [files[number] for _, number in sorted(ranks)]
    return next((file for file in good if _is_quick(file)), good[-1] if good else None)


def _is_quick(file: HubFile) -> bool:
    if file.tokens_per_s is None:
        return file.size_bytes <= _LARGE_BYTES
    return file.tokens_per_s >= _SLOW_TOKENS_PER_S


def _rank(file: HubFile) -> int | None:
    kinds = _GRAPHS if file.name.lower().endswith(".onnx") else _GOOD
    name = _kind(file)
    return kinds.index(name) if name in kinds else None


def _kind(file: HubFile) -> str:
    return file.quantization.upper().removeprefix("UD-")
