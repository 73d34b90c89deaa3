"""Shield: keeps what people and tools write from being read as special tokens.

A text like `<|im_end|>` inside a message must not end the message. Such texts are replaced by one private character
each before the template sees them, and put back as plain text afterwards.
"""

import re
from collections.abc import Mapping
from typing import Final

from engine.plugins.api import Text

FIRST: Final = 0xF0000
LAST: Final = 0xFFFFD
_PRIVATE: Final = re.compile(f"([{chr(FIRST)}-{chr(LAST)}])")
_CANDIDATE: Final = re.compile(r"[▁]?<[^<>\s]{1,62}>|\[[^\[\]\s]{1,62}\]|\][^\s\[\]]{1,8}\[")


class Shield:
    """Hides special tokens in the messages of one conversation.

    Thread: one at a time.
    """

    def __init__(self, tokens: Mapping[str, int]) -> None:
        self._tokens = tokens
        self._hidden: list[str] = []

    def hide(self, text: str) -> str:
        """The text with a private character in the place of everything that would be read as a token."""
        if not text.isascii():
            text = _PRIVATE.sub(lambda found: self._put(found[0]), text)
        if "<" not in text and "[" not in text:
            return text
        return _CANDIDATE.sub(lambda found: self._put(found[0]) if found[0] in self._tokens else found[0], text)

    def parts(self, prompt: str) -> tuple[Text, ...]:
        """The rendered prompt, with what was hidden as plain text."""
        if not self._hidden:
            return (Text(prompt, special=True),)
        pieces = _PRIVATE.split(prompt)
        parts: list[Text] = []
        for index, piece in enumerate(pieces):
            if index % 2:
                piece = self._get(piece)
            if piece:
                parts.append(Text(piece, special=index % 2 == 0))
        return tuple(parts)

    def _put(self, text: str) -> str:
        if len(self._hidden) > LAST - FIRST:
            return ""  # 65,000 of them are no message any more
        self._hidden.append(text)
        return chr(FIRST + len(self._hidden) - 1)

    def _get(self, mark: str) -> str:
        index = ord(mark) - FIRST
        return self._hidden[index] if index < len(self._hidden) else ""
