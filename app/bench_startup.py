"""`python -m app.bench_startup`: how long a start takes, counted from the creation of this process.

Prints `{"window_s": ...}` when the window has been painted for the first time and `{"first_token_s": ...}` when the
bundled starter has said its first word in it, then leaves. The home is a fresh folder, as on the first start.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import psutil
from PySide6.QtWidgets import QApplication

from app.application import run_qt
from app.chat.failure import Failure
from app.main import App, Options
from app.settings import AppSettings
from engine import Engine, EngineConfig

_LIMIT_S = 60.0
_PROMPT = "What is Hearth?"


class AnswerFailedError(Exception):
    """The window showed a message instead of an answer; its words."""


def say(name: str) -> None:
    """Print how long ago the process was created, under this name."""
    seconds = time.time() - psutil.Process().create_time()
    sys.stdout.write(json.dumps({name: round(seconds, 4)}) + "\n")
    sys.stdout.flush()


async def start(qt: QApplication, home: Path) -> None:
    """Start as the app does, ask at once, and end at the first word."""
    config = EngineConfig(home=home)
    app = App(qt, Options(config=config), AppSettings(), Engine(config))
    spoke = asyncio.Event()
    failures: list[Failure] = []

    def give_up(failure: Failure) -> None:
        failures.append(failure)
        spoke.set()

    def ask() -> None:
        if not app.chat.session.is_busy and app.chat.choices.current is not None:
            app.chat.session.transcript.text_appended.connect(spoke.set)
            app.chat.send(_PROMPT)

    app.chat.failed.connect(give_up)
    app.window.painted.connect(lambda: say("window_s"))
    app.window.painted.connect(app.open)
    app.chat.choices.changed.connect(ask)
    app.window.show()
    try:
        async with asyncio.timeout(_LIMIT_S):
            await spoke.wait()
        if failures:
            raise AnswerFailedError(f"{failures[0].cause} {failures[0].remedy}")
        say("first_token_s")
    finally:
        await app.close()


def main() -> int:
    """Measure one start; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as home:
        try:
            run_qt(lambda qt: start(qt, Path(home)))
        except AnswerFailedError as error:
            sys.stderr.write(f"{error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
