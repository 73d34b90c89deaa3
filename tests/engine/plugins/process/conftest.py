"""Plugins of strangers, made by the tests, in processes of their own with short limits."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import EngineError
from engine.plugins.manifest import Manifest, OfferKind
from engine.plugins.offers import Offers
from engine.plugins.process.limits import ProcessLimits
from engine.plugins.process.process import PluginProcess

LIMITS = ProcessLimits(call_s=0.4, grace_s=0.3, busy_s=0.5, flood_s=0.5, backoff_s=(0.05, 0.1), tick_s=0.05)

TOOL = """
from engine.plugins.api import *

class Go:
    spec = ToolSpec("go", "Does it.", {"type": "object"})
    permission = ""

    def call(self, arguments):
        return str(go(arguments))

def register(registrar):
    registrar.add_tool(Go())
"""


class Started:
    """A process, what it offers, and how often its state has changed."""

    def __init__(self, folder: Path, manifest: Manifest, limits: ProcessLimits, settings: dict[str, object]) -> None:
        self.folder = folder
        self.changes = 0
        self._changed = threading.Condition()
        self.process = PluginProcess(folder, manifest, settings, self._on_change, limits)
        self.offers = Offers()

    def start(self) -> Offers:
        self.offers = self.process.start()
        return self.offers

    def go(self, **arguments: object) -> str:
        return self.offers.tools[0].call(arguments)

    def wait_for(self, is_so: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Wait for a state; every change is announced."""
        with self._changed:
            assert self._changed.wait_for(is_so, timeout_s), self.process.status()

    def _on_change(self) -> None:
        with self._changed:
            self.changes += 1
            self._changed.notify_all()


def write_plugin(
    folder: Path,
    source: str,
    *provides: tuple[OfferKind, str],
    limits: dict[str, object] | None = None,
    settings: dict[str, object] | None = None,
    **more: object,
) -> Started:
    """Write a plugin; without `provides` it is a tool that calls `go`."""
    folder.mkdir()
    (folder / "__init__.py").write_text(source if provides else TOOL + source, encoding="utf-8")
    manifest = Manifest(
        id=folder.name,
        name=folder.name.title(),
        version="1.0.0",
        api="1.0",
        summary="Test.",
        provides=provides or ((OfferKind.TOOL, "go"),),
        **more,
    )
    return Started(folder, manifest, replace(LIMITS, **(limits or {})), settings or {})


MakePlugin = Callable[..., Started]


@pytest.fixture
def make_plugin(tmp_path: Path) -> Iterator[MakePlugin]:
    """Write a plugin; its process is stopped after the test."""
    made: list[Started] = []

    def make(source: str, *provides: tuple[OfferKind, str], name: str = "offender", **more: object) -> Started:
        folder = tmp_path / name
        made.append(write_plugin(folder, source, *provides, **more))
        return made[-1]

    yield make
    for started in made:
        started.process.stop()


@pytest.fixture(scope="module")
def neighbour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A plugin that does what it should, `well`."""
    started = write_plugin(tmp_path_factory.mktemp("plugins") / "neighbour", "def go(a): return 'well'")
    started.start()
    yield started
    started.process.stop()


@pytest.fixture
def heartbeat(neighbour: Started) -> "Callable[[], Heartbeat]":
    """Measures what others notice of an offender."""
    return lambda: Heartbeat(neighbour.go)


class Heartbeat:
    """What somebody else notices: a thread that wants to run every 5 ms, and another plugin that is asked meanwhile.

    Attributes:
        worst_s: longest time between two beats.
        answers: of the other plugin.
        failures: of the other plugin.
    """

    def __init__(self, neighbour: Callable[[], str]) -> None:
        self.worst_s = 0.0
        self.answers = 0
        self.failures: list[EngineError] = []
        self._neighbour = neighbour
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._beat), threading.Thread(target=self._ask)]

    def __enter__(self) -> "Heartbeat":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _beat(self) -> None:
        last_s = time.perf_counter()
        while not self._over.wait(0.005):
            now_s = time.perf_counter()
            self.worst_s = max(self.worst_s, now_s - last_s)
            last_s = now_s

    def _ask(self) -> None:
        while True:  # once more after the end: it must be well then
            is_last = self._over.wait(0.02)
            try:
                self.answers += self._neighbour() == "well"
            except EngineError as error:
                self.failures.append(error)
            if is_last:
                return
