"""`python -m app`: open Hearth's window, or bring the one that is open to the front."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.given_files import named
from engine.config import EngineConfig, default_home
from engine.errors import EngineError
from engine.portable import use_portable_home

if TYPE_CHECKING:
    from app.one_window import OnlyWindow

SETTINGS_FILE = "engine.toml"
"""In the data folder."""
THEMES = ("system", "light", "dark", "high-contrast", "high-contrast-light")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ends the program with code 2 when it is wrong."""
    parser = argparse.ArgumentParser(prog="hearth", description="Hearth: AI models on your own computer.")
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="models to show or import, pictures to look at, plugins to install"
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--home",
        type=Path,
        help="data folder (default: HEARTH_HOME, hearth-data beside the program, or the platform's)",
    )
    place.add_argument("--portable", action="store_true", help="keep all data in hearth-data beside the program")
    parser.add_argument("--window", action="store_true", help=argparse.SUPPRESS)  # this is it; others pass it on
    parser.add_argument("--model-dir", type=Path, action="append", default=[], help="one more folder with models")
    parser.add_argument("--theme", choices=THEMES, help="colours, whatever the system says")
    parser.add_argument("--safe", action="store_true", help="leave out the plugins that did not come with Hearth")
    parser.add_argument("--dev-plugins", action="store_true", help="run plugins anew when their files change")
    parser.add_argument("--screenshot-dir", type=Path, help="write a picture of every page to this folder and leave")
    return parser.parse_args(arguments)


def engine_config(home: Path | None, model_dirs: Sequence[Path]) -> EngineConfig:
    """The settings file in the data folder, with what the command line adds.

    Args:
        home: data folder; None is the usual one.
        model_dirs: more folders with models.

    Raises:
        ConfigError: the settings file is wrong.
    """
    folder = _folder(home)
    config = EngineConfig.load(folder / SETTINGS_FILE)
    return replace(config, home=config.home if home is None else folder, model_dirs=(*config.model_dirs, *model_dirs))


def _folder(home: Path | None) -> Path:
    return default_home() if home is None else home.expanduser()


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the window, or hand over to the one that is open; return the exit code."""
    said = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        if said.home is None and not use_portable_home(said.portable) and said.portable:
            _note("HEARTH_HOME names the data folder, so --portable changes nothing.")
        config = engine_config(said.home, said.model_dir)
        if said.screenshot_dir is not None:
            from app.screenshots import take_screenshots

            take_screenshots(said.screenshot_dir, config)
            return 0
        from app.one_window import Handover, enter

        files = tuple(named(name) for name in said.files)
        place = enter(config.home, Handover.of(files))
        if place is None:
            if said.safe or said.dev_plugins or said.theme or said.model_dir:
                _note("Hearth is open already; other options than files count when it starts anew.")
            return 0
        with place:
            return _open_window(said, config, files, place)
    except (EngineError, OSError) as error:
        _note(str(error))
        return 1


def _open_window(said: argparse.Namespace, config: EngineConfig, files: tuple[Path, ...], place: "OnlyWindow") -> int:
    from app.main import Options  # Qt is slow to import, and a second start has no use for it
    from app.main import main as open_window

    return open_window(
        Options(
            config=config,
            theme=said.theme,
            files=files,
            place=place,
            is_safe=said.safe,
            is_development=said.dev_plugins,
            settings_file=_folder(said.home) / SETTINGS_FILE,
        )
    )


def _note(words: str) -> None:
    if sys.stderr is not None:  # the program without a console has none
        sys.stderr.write(f"hearth: {words}\n")


if __name__ == "__main__":
    sys.exit(main())
