"""Pages: the memory behind llama.cpp's mapping of a model file, as each system lets it be changed.

llama.cpp maps a file and keeps addresses in it. Those stay valid whatever lies behind them, so a range of the mapping
can be pinned, or be empty until its bytes are wanted, without llama.cpp's knowing.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from engine.errors import EngineError
from engine.models.page_plan import Span


class Pages(Protocol):
    """Memory of the mapped files of one model. Spans are whole pages.

    Thread: `empty` before anybody computes; the others from any, for spans that nobody needs yet.
    """

    def empty(self, spans: Sequence[Span]) -> None:
        """Put empty memory, which takes room only as it is written to, at the place of spans.

        Raises:
            OSError: the system refuses.
        """

    def pin(self, span: Span) -> None:
        """Let a part of an emptied span stay in memory from now on, with what is in the file.

        Raises:
            OSError: there is no memory for it, or the file cannot be read.
        """

    def move(self, source: Span | None, target: Span) -> None:
        """Let the memory of one chunk, or new memory, stand at another's place; what is in it is of no use any more.

        Raises:
            OSError: there is no memory for it.
        """

    def fill(self, start: int, span: Span) -> None:
        """Read a part of a chunk from the file.

        Args:
            start: of the chunk.
            span: the part.

        Raises:
            OSError: the file cannot be read, or has become shorter.
        """

    def close(self) -> None:
        """Close the files; the memory goes with llama.cpp's mapping."""


def open_pages(files: Sequence[Path], bases: Mapping[int, int]) -> Pages:
    """The pages of a model that llama.cpp has mapped.

    Args:
        files: of the model.
        bases: by number of the file, the address at which its first byte is, or would be.

    Raises:
        EngineError: this system has no way to do it.
        OSError: a file cannot be opened.
    """
    if sys.platform == "win32":
        from engine.backends.llama.paging.windows import WindowsPages

        return WindowsPages(files, bases)
    if sys.platform in {"linux", "darwin"}:
        from engine.backends.llama.paging.posix import PosixPages

        return PosixPages(files, bases)
    raise EngineError(f"Hearth does not page weights on {sys.platform}.")
