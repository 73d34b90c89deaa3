"""The code in an answer, without the fences and the words around it."""

import re
from typing import Final

_OPEN: Final = re.compile(r"^[ \t]*(?P<fence>`{3,}|~{3,})[^\n`]*\n", re.MULTILINE)


def code_in(answer: str) -> str:
    """All fenced blocks of an answer, joined; the whole answer if there are none."""
    blocks = []
    place = 0
    while found := _OPEN.search(answer, place):
        closing = re.compile(rf"^[ \t]*{re.escape(found['fence'])}[ \t]*$", re.MULTILINE).search(answer, found.end())
        end = closing.start() if closing else len(answer)
        blocks.append(answer[found.end() : end].rstrip())
        place = closing.end() if closing else len(answer)
    text = "\n\n\n".join(block for block in blocks if block)
    return f"{text or answer.strip()}\n"


class CodeStream:
    """Lets through what is code of an answer that is still being written, line by line.

    What stands before the first fence is held back: it is words, or, if no fence ever comes, the code itself.

    Thread: one at a time.
    """

    def __init__(self) -> None:
        self._line = ""
        self._fence = ""

    def push(self, text: str) -> str:
        """Add a piece of the answer; return the code that is certain now."""
        *lines, self._line = (self._line + text).split("\n")
        return "".join(self._through(line) for line in lines)

    def _through(self, line: str) -> str:
        mark = line.strip()
        if not self._fence:
            found = _OPEN.match(f"{line}\n")
            self._fence = found["fence"] if found else ""
            return ""
        if mark == self._fence:
            self._fence = ""
            return "\n\n"
        return f"{line}\n"
