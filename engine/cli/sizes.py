"""Sizes as people write them: `6GiB`, `5.5 GB`, `800MB`, `1000000`."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import typer

_SIZE: Final = re.compile(r"(\d{1,18}(?:\.\d{1,9})?) *([a-z]*)", re.IGNORECASE)
_UNITS: Final[Mapping[str, int]] = MappingProxyType(
    {"": 1, "b": 1}
    | {f"{letter}{ending}": 1000**power for power, letter in enumerate("kmgt", 1) for ending in ("", "b")}
    | {f"{letter}i{ending}": 1024**power for power, letter in enumerate("kmgt", 1) for ending in ("", "b")}
)
_MOST: Final = 1 << 60


def parse_size(text: str) -> int:
    """Bytes of a size; `k`, `M`, `G`, `T` count in thousands, `Ki`, `Mi`, `Gi`, `Ti` in 1024s, with or without a B.

    Raises:
        typer.BadParameter: it is no size, or not from 1 byte to 2^60.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None or match[2].lower() not in _UNITS:
        raise typer.BadParameter(f"{text!r} is no size; write 6GiB, 5.5GB or 800MB.")
    size = round(float(match[1]) * _UNITS[match[2].lower()])
    if not 1 <= size <= _MOST:
        raise typer.BadParameter(f"{text!r} is out of range.")
    return size
