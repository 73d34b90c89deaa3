"""What a trial of an installer has seen: a log in a file, and a line per step for whoever waits."""

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self


class UnexpectedError(Exception):
    """A step saw something that it must not see; the text says what."""


class Report:
    """The log of a trial.

    Attributes:
        is_good: whether no step failed so far.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_good = True

    def __enter__(self) -> Self:
        """Begin the log."""
        self._file = self._path.open("w", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the log."""
        self.note("Everything went well." if self.is_good and error is None else "Something went wrong.")
        self._file.close()

    def note(self, text: str) -> None:
        """Write a line for everybody."""
        print(f"  {text}", flush=True)
        self.detail(text)

    def detail(self, text: str) -> None:
        """Write something only to the log."""
        self._file.write(text.rstrip() + "\n")
        self._file.flush()

    def step(self, title: str, action: Callable[[], str]) -> None:
        """Do a step, and note how it went; a failed one does not keep the next from being tried.

        Args:
            title: what is tried.
            action: does it; returns what is worth noting.
        """
        title = title.splitlines()[0].rstrip(".")
        self.detail(f"\n== {title}")
        began = time.monotonic()
        try:
            outcome = f"ok    {title}: {action()}".rstrip(": ")
        except Exception as error:  # noqa: BLE001 - whatever it is, the other steps are tried, and the trial has failed
            self.is_good = False
            outcome = f"WRONG {title}: {type(error).__name__}: {error}"
        self.note(f"{outcome} ({time.monotonic() - began:.1f} s)")
