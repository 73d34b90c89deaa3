"""Models that are split into several files, named `NAME-00001-of-00003.gguf` and so on."""

import re
from pathlib import Path
from typing import Final

_FIRST: Final = re.compile(r"(.+)-00001-(of)-(\d{5})", re.IGNORECASE)


def named_count(path: Path) -> int:
    """How many files a model has, as the name of its first one says; 1 if it says nothing."""
    match = _FIRST.fullmatch(path.stem)
    return int(match[3]) if match is not None else 1


def later_parts(path: Path, count: int) -> tuple[Path, ...]:
    """All files of a split model but the first, whether they are there or not; none if the name is not such a one.

    Args:
        path: the first file.
        count: how many there are, with the first.
    """
    match = _FIRST.fullmatch(path.stem)
    if match is None:
        return ()
    return tuple(
        path.with_name(f"{match[1]}-{number:05}-{match[2]}-{match[3]}{path.suffix}") for number in range(2, count + 1)
    )
