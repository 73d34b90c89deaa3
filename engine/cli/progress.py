"""One line on a terminal that says how far a model is loaded."""

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
