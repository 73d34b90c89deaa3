"""Detokenizer: tokens in, whole characters out."""

from codecs import utf_8_decode
from collections.abc import Callable


class Detokenizer:
    """Turns the tokens of one answer into text, never splitting a character that spans several tokens.

    Bytes that cannot be part of UTF-8 become U+FFFD as soon as that is certain; text after them is not delayed.

    Thread: one at a time.
    """

    def __init__(self, pieces: Callable[[int], bytes]) -> None:
        """Make a detokenizer.

        Args:
            pieces: gives the bytes of a token id, special tokens as the caller wants them shown.
        """
        self._pieces = pieces
        self._pending = b""  # at most three bytes: the start of a character

    def push(self, token: int) -> str:
        """Add a token; return the characters that are now complete, possibly none."""
        data = self._pending + self._pieces(token)
        text, consumed = utf_8_decode(data, "replace", False)
        self._pending = data[consumed:]
        return text

    def flush(self) -> str:
        """End the answer: an unfinished character becomes U+FFFD. The detokenizer can be used again afterwards."""
        text, _ = utf_8_decode(self._pending, "replace", True)
        self._pending = b""
        return text
