"""What a terminal shows beside an answer: how far the model is loaded, and what it thinks."""

import sys
from typing import TYPE_CHECKING, Final

from engine.cli.output import human_size

if TYPE_CHECKING:
    from engine.background import JobUnit

_BAR: Final = 30
_LONGEST: Final = 60


class WorkLine:
    """Shows how far work is on standard error if that is a terminal; prints nothing otherwise."""

    def __init__(self) -> None:
        self._is_shown = False

    def show(self, done: int, total: int, _unit: "JobUnit", detail: str) -> None:
        """Say how many bytes of how many are done."""
        if sys.stderr.isatty():
            self._is_shown = True
            safe = "".join(letter for letter in detail if letter.isprintable())[:_LONGEST]
            full = round(_BAR * done / total) if total else 0
            sizes = f" {human_size(done)} of {human_size(total)}" if total else ""
            sys.stderr.write(f"\r\x1b[K{'█' * full}{'░' * (_BAR - full)}{sizes}  {safe} ")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._is_shown:
            self._is_shown = False
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


class LoadingLine:
    """Shows progress on standard error if that is a terminal; prints nothing otherwise."""

    def __init__(self) -> None:
        self._is_shown = False

    def show(self, fraction: float) -> None:
        """Say how much is loaded, in [0, 1]."""
        if sys.stderr.isatty():
            self._is_shown = True
            sys.stderr.write(f"\rLoading the model: {fraction:4.0%} ")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._is_shown:
            self._is_shown = False
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


class ThinkingText:
    """Shows what a model thinks before it answers, dim, on standard error if that is a terminal; nothing otherwise."""

    def __init__(self) -> None:
        self._is_shown = False

    def show(self, text: str) -> None:
        """Show more of it."""
        if sys.stderr.isatty():
            self._is_shown = True
            safe = "".join(letter for letter in text if letter.isprintable() or letter in "\n\t")
            sys.stderr.write(f"\x1b[2m{safe}\x1b[0m")
            sys.stderr.flush()

    def end(self) -> None:
        """Begin a new line for the answer."""
        if self._is_shown:
            self._is_shown = False
            sys.stderr.write("\n")
            sys.stderr.flush()
