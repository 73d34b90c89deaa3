"""The page over a real engine and real plugins: those of Hearth, and a stranger's in a process of its own."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from app.plugins import PluginNotice
from app.plugins.actions import Action
from app.plugins.consent_dialog import ConsentDialog
from app.plugins.settings_dialog import SettingsDialog
from app.shell import MainWindow, PageEntry
from app.theme.widgets import ChoiceDialog
from engine import PluginState

MANIFEST = """id = "tide-table"
name = "Tide table"
version = "1.2.0"
api = "1.0"
summary = "Says when the tide turns."
provides = ["telemetry:tide"]
author = "Mo"
licence = "MIT"

[[settings]]
name = "height"
title = "Height"
kind = "number"
default = 1.5
"""
MODULE = '''"""Tides."""
from engine.plugins.api import Sample


class Tide:
    id = "tide"
    title = "Tide"
    period_s = 0.5

    def __init__(self, height):
        self._height = height

    def sample(self):
        return (Sample("Height of the tide", self._height, "m"),)


def register(registrar):
    registrar.add_telemetry(Tide(registrar.settings["height"]))
'''

CRASH = """
import os, pathlib, sys
from engine.plugins.crash_marker import CrashMarker
CrashMarker(pathlib.Path(sys.argv[1])).running("tide-table").__enter__()
os._exit(1)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A stranger's plugin, not yet installed."""
    path = tmp_path / "somewhere" / "tide_table"
    path.mkdir(parents=True)
    (path / "plugin.toml").write_text(MANIFEST, encoding="utf-8")
    (path / "__init__.py").write_text(MODULE, encoding="utf-8")
    return path


def crash(home: Path) -> None:
    """End a program while the plugin is at work in it."""
    subprocess.run([sys.executable, "-c", CRASH, str(home)], check=False, timeout=60)


def words(widget: QWidget) -> str:
    parts = [child for child in widget.findChildren(QWidget) if child.isVisibleTo(widget)]
    return "\n".join(part.text() for part in parts if isinstance(part, QLabel | QAbstractButton))


def state(bench) -> PluginState | None:
    info = bench.controller.find("tide-table")
    return None if info is None else info.state


def shown(bench, kind: type[ChoiceDialog]):
    return next((each for each in bench.page.findChildren(kind) if each.isVisible()), None)


async def allow(bench) -> None:
    await bench.until(lambda: shown(bench, ConsentDialog))
    dialog = shown(bench, ConsentDialog)
    await bench.until(dialog.yes_button.isEnabled)
    dialog.yes_button.click()
    await bench.settled()


def test_what_came_with_hearth_is_listed_and_active(run, make_real):
    async def body() -> None:
        async with make_real() as bench:
            assert {"chat", "read-text"} <= {info.id for info in bench.controller.plugins}
            assert bench.parts.empty.isVisible()
            bench.parts.table.choose("chat")
            await bench.until(lambda: bench.controller.find("chat").state is PluginState.ACTIVE)
            bench.parts.pane.buttons[Action.DISABLE].click()
            await bench.settled()
            assert bench.controller.find("chat").state is PluginState.DISABLED
            bench.parts.pane.buttons[Action.ENABLE].click()
            await bench.settled()
            assert bench.controller.find("chat").state is PluginState.ACTIVE

    run(body())


def test_the_life_of_a_strangers_plugin(run, make_real, folder: Path):
    async def body() -> None:
        async with make_real() as bench:
            bench.controller.install([folder])
            await allow(bench)
            assert state(bench) is PluginState.ACTIVE
            assert not bench.parts.empty.isVisible()
            said = words(bench.parts.pane)
            assert "Runs in its own process" in said
            await bench.until(lambda: "1.5\u00a0m" in words(bench.parts.pane))
            bench.page._act(Action.SETTINGS)
            settings = shown(bench, SettingsDialog)
            settings.form.set_values({"height": 2.25})
            settings.yes_button.click()
            await bench.settled()
            assert state(bench) is PluginState.ACTIVE
            await bench.until(lambda: "2.25\u00a0m" in words(bench.parts.pane))
            installed = bench.controller.find("tide-table").folder
            with (installed / "__init__.py").open("a", encoding="utf-8") as file:
                file.write("\n")
            bench.parts.pane.buttons[Action.RELOAD].click()
            await bench.settled()
            assert state(bench) is PluginState.NEEDS_CONSENT
            assert "changed since you allowed it" in words(bench.parts.pane)
            bench.parts.pane.buttons[Action.ALLOW].click()
            assert "changed since you allowed it" in words(shown(bench, ConsentDialog))
            await allow(bench)
            assert state(bench) is PluginState.ACTIVE
            bench.parts.pane.buttons[Action.REMOVE].click()
            shown(bench, ChoiceDialog).yes_button.click()
            await bench.settled()
            assert state(bench) is None
            assert not installed.exists()

    run(body())


def test_a_plugin_that_was_not_allowed_does_not_run(run, make_real, folder: Path):
    async def body() -> None:
        async with make_real() as bench:
            bench.controller.install([folder])
            await bench.until(lambda: shown(bench, ConsentDialog))
            shown(bench, ConsentDialog).safe_button.click()
            await bench.settled()
            assert state(bench) is PluginState.NEEDS_CONSENT
            assert bench.controller.find("tide-table").memory_bytes is None

    run(body())


def test_a_zip_that_is_refused_is_told_on_the_page(run, make_real, tmp_path: Path):
    archive = tmp_path / "bad.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../escape.py", "")

    async def body() -> None:
        async with make_real() as bench:
            bench.controller.install([archive])
            await bench.settled()
            assert bench.parts.banner.isVisible()
            assert "bad.zip" in bench.parts.banner.message or "escape" in bench.parts.banner.message
            assert not (tmp_path / "escape.py").exists()
            assert not (tmp_path / "home" / "escape.py").exists()

    run(body())


def test_a_plugin_that_does_not_start_says_why_with_its_details(run, make_real, folder: Path):
    (folder / "__init__.py").write_text("raise ValueError('low water')\n", encoding="utf-8")

    async def body() -> None:
        async with make_real() as bench:
            bench.controller.install([folder])
            await allow(bench)
            assert state(bench) is PluginState.STOPPED
            assert bench.parts.banner.isVisible()
            bench.parts.pane.note.copy_button.click()
            assert "low water" in QApplication.clipboard().text()

    run(body())


def test_safe_mode_leaves_strangers_out_and_a_crash_asks(run, make_real, folder: Path, tmp_path: Path):
    async def body() -> None:
        async with make_real() as bench:
            bench.controller.install([folder])
            await allow(bench)
        async with make_real(is_safe=True) as bench:
            assert bench.controller.is_safe
            await bench.until(lambda: state(bench) is PluginState.DISABLED)
            bench.parts.table.choose("tide-table")
            assert "safe mode" in words(bench.parts.pane)
        crash(tmp_path / "home")
        bench = make_real()
        bench.page.setParent(None)
        bench.window.deleteLater()
        entry = PageEntry("plugins", "Plugins", "plugins", bench.page)
        bench.window = MainWindow(bench.appearance, QApplication.instance(), [entry])  # type: ignore[arg-type]
        PluginNotice(bench.window.notices, bench.controller, parent=bench.window)
        async with bench:
            await bench.until(lambda: bench.window.notice.message)
            assert bench.window.notice.message.startswith("Tide table was running when Hearth crashed.")
            bench.window.notice.other_pressed.emit()
            await bench.settled()
            assert state(bench) is PluginState.ACTIVE

    run(body())
