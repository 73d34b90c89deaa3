"""The error of the set-up commands, in one sentence with the cause and one with the remedy."""

import sys
from collections.abc import Callable


class SetupError(Exception):
    """Setting Hearth up failed.

    Attributes:
        cause: one sentence: what went wrong.
        remedy: one sentence: what the person can do.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause} {self.remedy}"


def exit_code(action: Callable[[], object]) -> int:
    """Do what a script is for, and print what comes of it or why it failed; returns the exit code."""
    try:
        made = action()
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    if made is not None:
        print(made)
    return 0
