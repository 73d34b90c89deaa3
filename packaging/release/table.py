"""The table of sizes that `make installers` prints: what people download, and what it takes on their disk."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from release.files import Download, downloads
from release.reproducible import sorted_files

MB: Final = 1_000_000
_UNPACKED_TARGET: Final = 300 * MB
_TARGETS: Final[Mapping[str, int]] = {".exe": 90 * MB, ".deb": 100 * MB}
_HEADINGS: Final = ("file", "size", "target", "", "unpacked", "target", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One file and its figures.

    Attributes:
        name: of the file.
        size: in bytes.
        target: that the size should stay within, in bytes; None where there is none.
        unpacked: what the program takes on a disk, in bytes; None where its folder is not here.
        unpacked_target: that it should stay within, in bytes.
    """

    name: str
    size: int
    target: int | None
    unpacked: int | None
    unpacked_target: int = _UNPACKED_TARGET

    @property
    def is_met(self) -> bool:
        """Whether every figure that is known stays within its target."""
        fits = self.target is None or self.size <= self.target
        return fits and (self.unpacked is None or self.unpacked <= self.unpacked_target)


def rows_of(dist: Path, version: str, trees: Mapping[str, Path]) -> list[Row]:
    """Measure what was made of a version.

    Args:
        dist: folder with the files.
        version: of Hearth.
        trees: folder of the frozen program, by system.
    """
    return [_row(download, trees.get(download.system)) for download in downloads(dist, version)]


def unpacked_bytes(tree: Path) -> int:
    """What all files of a folder hold, in bytes; a file that is linked to counts once."""
    return sum(path.lstat().st_size for path in sorted_files(tree) if not path.is_symlink())


def table_of(rows: list[Row]) -> str:
    """The table as text, one line per file."""
    lines = [_HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(cell.ljust(width) if at == 0 else cell.rjust(width) for at, (cell, width) in enumerate(zipped))
        for zipped in (list(zip(line, widths, strict=True)) for line in lines)
    )


def print_table(dist: Path, version: str, trees: Mapping[str, Path]) -> bool:
    """Print the table; return whether every target is met."""
    rows = rows_of(dist, version, trees)
    print(table_of(rows), flush=True)
    return all(row.is_met for row in rows)


def _row(download: Download, tree: Path | None) -> Row:
    return Row(
        name=download.path.name,
        size=download.path.stat().st_size,
        target=_TARGETS.get(download.path.suffix),
        unpacked=unpacked_bytes(tree) if tree is not None and tree.is_dir() else None,
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        *_figure(row.size, row.target),
        *_figure(row.unpacked, row.unpacked_target if row.unpacked is not None else None),
    )


def _figure(value: int | None, target: int | None) -> tuple[str, str, str]:
    if value is None:
        return "-", "-", ""
    shown = f"{value / MB:.1f} MB"
    if target is None:
        return shown, "-", ""
    return shown, f"<= {target / MB:.0f} MB", "met" if value <= target else "MISSED"
