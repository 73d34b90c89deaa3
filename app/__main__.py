"""`python -m app`: open Hearth's window."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.config import EngineConfig, default_home
from engine.errors import ConfigError

SETTINGS_FILE = "engine.toml"
"""In the data folder."""
THEMES = ("system", "light", "dark", "high-contrast", "high-contrast-light")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; ends the program with code 2 when it is wrong."""
    parser = argparse.ArgumentParser(prog="hearth", description="Hearth: AI models on your own computer.")
    parser.add_argument("files", nargs="*", type=Path, metavar="PICTURE", help="pictures to open in Recognize")
    parser.add_argument("--home", type=Path, help="data folder (default: HEARTH_HOME, or the platform's)")
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
    """Open the window; return the exit code."""
    said = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        config = engine_config(said.home, said.model_dir)
        if said.screenshot_dir is not None:
            from app.screenshots import take_screenshots

            take_screenshots(said.screenshot_dir, config)
            return 0
        from app.main import Options  # Qt is slow to import; a wrong option is told at once
        from app.main import main as open_window

        return open_window(
            Options(
                config=config,
                theme=said.theme,
                files=tuple(said.files),
                is_safe=said.safe,
                is_development=said.dev_plugins,
                settings_file=_folder(said.home) / SETTINGS_FILE,
            )
        )
    except (ConfigError, OSError) as error:
        sys.stderr.write(f"hearth: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
