"""Plugins on the disk, written for one test, and hosts for them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from engine.plugins.host import PluginHost
from engine.plugins.loader import unload
from engine.plugins.registry import Registry

SHOUT = """
from engine.plugins.api import Field
class Shout:
    id = "TASK"
    title = "Shout"
    summary = "Writes a text in capitals."
    inputs = (Field(name="text", title="Text"),)
    outputs = (Field(name="loud", title="Loud text"),)
    def __init__(self, mark):
        self.mark = mark
    def run(self, inputs, context):
        return {"loud": inputs["text"].upper() + self.mark}
def register(registrar):
    registrar.add_task(Shout(registrar.settings["mark"]))
"""
MANIFEST = """
id = "{id}"
name = "{name}"
version = "1.0.0"
api = "1.0"
summary = "Writes texts in capitals."
provides = ["task:{id}"]

[[permissions]]
kind = "models"
reason = "Asks a model how loud."

[[settings]]
name = "mark"
title = "Mark"
default = "!"
"""

WritePlugin = Callable[..., Path]
MakeHost = Callable[..., PluginHost]


@pytest.fixture
def write_plugin() -> WritePlugin:
    """Write a plugin with one task into a folder of plugins."""

    def write(directory: Path, plugin: str, code: str = SHOUT, manifest: str = MANIFEST) -> Path:
        folder = directory / plugin.replace("-", "_")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plugin.toml").write_text(manifest.format(id=plugin, name=plugin.title()))
        (folder / "__init__.py").write_text(code.replace("TASK", plugin))
        return folder

    return write


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the user's plugins and decisions are."""
    return tmp_path / "home"


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    """Where the plugins that come with Hearth are."""
    return tmp_path / "bundled"


@pytest.fixture
def registry() -> Registry:
    """Gets what the plugins offer."""
    return Registry()


@pytest.fixture
def make_host(home: Path, bundled: Path, registry: Registry) -> Iterator[MakeHost]:
    """Make started hosts; they are closed after the test."""
    made: list[PluginHost] = []

    def make(**named: bool) -> PluginHost:
        host = PluginHost(bundled, home / "plugins", home / "plugins.json", registry, **named)
        made.append(host)
        host.start()
        return host

    yield make
    for host in made:
        host.close()


@pytest.fixture
def clean_bundled(bundled: Path) -> Iterator[Path]:
    """Where bundled plugins are, whose modules are forgotten after the test."""
    yield bundled
    for folder in bundled.glob("*"):
        unload(folder)


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Wait for a change of a host's snapshot that makes a condition true."""

    async def until(host: PluginHost, condition: Callable[[], bool]) -> None:
        """Wait for a change of the snapshot that makes a condition true."""
        loop, changed = asyncio.get_running_loop(), asyncio.Event()
        remove = host.add_listener(lambda: loop.call_soon_threadsafe(changed.set))
        try:
            async with asyncio.timeout(30):
                while not condition():
                    await changed.wait()
                    changed.clear()
        finally:
            remove()

    return until
