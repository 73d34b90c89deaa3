"""What a terminal shows beside an answer: how far the model is loaded, and what it thinks."""

import sys


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
