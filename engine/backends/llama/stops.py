"""StopScanner: finds stop strings in text that arrives in pieces."""

import re
from collections.abc import Iterable

from engine.errors import InvalidRequestError

MAX_STOPS = 256
MAX_STOP_CHARS = 1024


class StopScanner:
    """Passes text on until one of the stop strings is complete.

    Only the longest suffix that could still become a stop string is held back, so text is delayed as little as
    possible, and how the text is cut into pieces never changes what comes out. If several stop strings occur, the one
    that is complete first wins; of those complete at the same character, the longest.

    Thread: one at a time.
    """

    def __init__(self, stops: Iterable[str]) -> None:
        """Make a scanner.

        Args:
            stops: at most 256 texts of 1 to 1,024 characters; none passes all text through.

        Raises:
            InvalidRequestError: there are too many, or one is empty or too long.
        """
        self._stops = tuple(dict.fromkeys(stops))
        _check(self._stops)
        self._longest = max(map(len, self._stops), default=0)
        self._starts = re.compile(
            "[" + "".join(re.escape(stop[0]) for stop in self._stops) + "]" if self._stops else ""
        )
        self._held = ""
        self._stopped = False

    def push(self, text: str) -> tuple[str, bool]:
        """Add text.

        Returns:
            Text that is certain not to belong to a stop string, and whether a stop string was found; after that,
            nothing more comes out.
        """
        if not self._stops:
            return text, False
        if self._stopped:
            return "", True
        text = self._held + text
        start = self._find(text)
        if start is not None:
            self._stopped = True
            self._held = ""
            return text[:start], True
        keep = self._held_from(text)
        self._held = text[keep:]
        return text[:keep], False

    def flush(self) -> str:
        """End the text: return what was held back, because no stop string can follow any more."""
        held, self._held = self._held, ""
        return held

    def _find(self, text: str) -> int | None:
        """Where the stop string that is complete first begins."""
        found = [(at + len(stop), at) for stop in self._stops if (at := text.find(stop)) >= 0]
        return min(found)[1] if found else None

    def _held_from(self, text: str) -> int:
        """Where the longest suffix of `text` begins that is the beginning of a stop string."""
        at = max(0, len(text) - self._longest + 1)
        while match := self._starts.search(text, at):
            at = match.start()
            suffix = text[at:]
            if any(stop.startswith(suffix) for stop in self._stops):
                return at
            at += 1
        return len(text)


def _check(stops: tuple[str, ...]) -> None:
    if len(stops) > MAX_STOPS:
        raise InvalidRequestError(f"There are {len(stops):,} stop strings, but at most {MAX_STOPS} are allowed.")
    if not all(stops):
        raise InvalidRequestError("A stop string is empty.", "Leave it out or write the text that ends the answer.")
    if any(len(stop) > MAX_STOP_CHARS for stop in stops):
        raise InvalidRequestError(f"A stop string is longer than {MAX_STOP_CHARS:,} characters.", "Use a shorter one.")
