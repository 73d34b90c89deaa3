"""Where a frozen Hearth begins: puts right what freezing has changed, then becomes the window or a command.

The window is asked for without the command line in between, whose imports would delay its first picture.
"""

import os
import sys
from collections.abc import MutableMapping, Sequence
from typing import Final

_LIBRARY_PATHS: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_QT_PATHS: Final = ("QT_PLUGIN_PATH", "QML2_IMPORT_PATH")
_OF_BOOTLOADER: Final = "_PYI_"


def give_back_environment(environment: MutableMapping[str, str], folder: str) -> None:
    """Undo what PyInstaller has set for this process, or programs that it starts would get Hearth's libraries.

    A browser that finds another libstdc++ or another Qt than its own crashes. This process has read the variables
    already; Qt finds its plugins without them, because its package says where they are. What the bootloader notes for
    processes of the same program goes too: a child that finds it takes it that its libraries can be found already.

    Args:
        environment: to be changed.
        folder: of Hearth's own libraries.
    """
    for name in [name for name in environment if name.startswith(_OF_BOOTLOADER)]:
        del environment[name]
    for name in _LIBRARY_PATHS:
        before = environment.pop(f"{name}_ORIG", "")
        places = before.split(os.pathsep) if before else environment.get(name, "").split(os.pathsep)
        _put(environment, name, [place for place in places if place and place != folder])
    for name in _QT_PATHS:
        places = environment.get(name, "").split(os.pathsep)
        _put(environment, name, [place for place in places if place and not place.startswith(folder)])


def give_streams() -> None:
    """A program without a console has no streams, which nobody who writes to them should have to think of."""
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115 - until the process ends
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - likewise
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - likewise


def window_arguments(arguments: Sequence[str], *, is_windowed: bool, has_display: bool) -> list[str] | None:
    """What the window is to be told; None if it is the command line that is wanted.

    Args:
        arguments: of the program.
        is_windowed: whether this program is always the window.
        has_display: whether a window could be shown.
    """
    if arguments and arguments[0] == "--window":
        return list(arguments[1:])
    if is_windowed or (not arguments and has_display):
        return list(arguments)
    return None


def main() -> None:
    """Run Hearth."""
    give_back_environment(os.environ, str(getattr(sys, "_MEIPASS", "")))
    give_streams()
    from engine.cli.display import has_display
    from engine.programs import is_windowed

    told = window_arguments(sys.argv[1:], is_windowed=is_windowed(), has_display=has_display())
    if told is not None:
        from app.__main__ import main as open_window

        sys.exit(open_window(told))
    from engine.cli.entry import main as run_command

    run_command()


def _put(environment: MutableMapping[str, str], name: str, places: Sequence[str]) -> None:
    if places:
        environment[name] = os.pathsep.join(places)
    else:
        environment.pop(name, None)


if __name__ == "__main__":
    main()
