"""What stands on the command line before a command is looked for: folders, portable mode, and files for the window."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.errors import InvalidRequestError

_WITH_VALUE: Final = ("--model-dir",)
_ANYWHERE: Final = ("--portable",)
_WINDOW: Final = "--window"


@dataclass(frozen=True, slots=True)
class ForWindow:
    """Files that the window is to open.

    Attributes:
        files: as they were named: paths, or `file:` addresses.
    """

    files: tuple[str, ...]


def options_first(arguments: Sequence[str]) -> list[str]:
    """Allow `--model-dir DIR` and `--portable` behind the command as well, where people write them."""
    front: list[str] = []
    rest: list[str] = []
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":
            rest.extend((argument, *remaining))
        elif argument in _WITH_VALUE:
            front.extend((argument, *(value for value in (next(remaining, None),) if value is not None)))
        elif argument in _ANYWHERE or argument.startswith(tuple(f"{name}=" for name in _WITH_VALUE)):
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest


def for_window(arguments: Sequence[str], commands: Collection[str]) -> tuple[list[str], ForWindow | None]:
    """Tell files for the window from a command.

    `hearth --window FILE...` names files. So does `hearth FILE...`, as people expect of a program that opens files,
    if the first is no command but something on the disk, or an address that a desktop passes.

    Args:
        arguments: with options first.
        commands: names of all commands.

    Returns:
        The arguments without the files, and the files; None if a command is meant, or nothing was named.

    Raises:
        InvalidRequestError: the first is called like a file, but there is none.
    """
    at = _first_word(arguments)
    words = list(arguments[at:])
    if not words or words == ["--"]:
        return list(arguments), None
    is_window = _WINDOW in arguments[:at] or (words[0] not in commands and _is_file(words[0]))
    if not is_window:
        if words[0] not in commands and _is_called_like_a_file(words[0]):
            raise InvalidRequestError(f"There is no file {words[0]}.", "Check its name; commands: `hearth --help`.")
        return list(arguments), None
    if words[0] == "--":
        return list(arguments[:at]), ForWindow(tuple(words[1:]))
    options = [word for word in words if word.startswith("-")]
    return [*arguments[:at], *options], ForWindow(tuple(word for word in words if not word.startswith("-")))


def _first_word(arguments: Sequence[str]) -> int:
    """Where the options end."""
    at = 0
    while at < len(arguments) and arguments[at].startswith("-") and arguments[at] != "--":
        at += 2 if arguments[at] in _WITH_VALUE else 1
    return at


def _is_called_like_a_file(word: str) -> bool:
    return bool(Path(word).suffix) or "/" in word or "\\" in word


def _is_file(word: str) -> bool:
    if word.lower().startswith("file:"):
        return True
    try:
        return Path(word).exists()
    except (OSError, ValueError):
        return False
