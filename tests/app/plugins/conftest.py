"""The Plugins page over a host whose every state can be reached."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QMainWindow

from app.plugins import PluginsController, PluginsPage
from app.tasks import Tasks
from app.theme import Appearance
from engine import (
    Engine,
    EngineConfig,
    Field,
    Kind,
    OfferInfo,
    OfferKind,
    Permission,
    PermissionKind,
    PluginError,
    PluginInfo,
    PluginState,
    Sample,
    Values,
)
from engine.testing import FakeBackend
from tests.app.page_bench import PageBench

DIGEST = "9f2c41d0" + "ab" * 24 + "77e1c0de"


def bundled(name: str, *offers: tuple[OfferKind, str], **other: Any) -> PluginInfo:
    """A plugin that came with Hearth."""
    return PluginInfo(
        id=name,
        folder=Path("/hearth/plugins") / name,
        name=name.capitalize(),
        version="1.0.0",
        api="1.0",
        summary=f"Does what {name} does.",
        author="Hearth",
        licence="MIT",
        is_bundled=True,
        is_isolated=False,
        state=PluginState.ACTIVE,
        offers=tuple(OfferInfo(kind, offer) for kind, offer in offers),
        **other,
    )


WEATHER = PluginInfo(
    id="weather",
    folder=Path("/home/jo/.local/share/hearth/plugins/weather"),
    name="Weather",
    version="2.1.0",
    api="1.0",
    summary="Tells models what the weather is, and what it will be.",
    author="Jo Weatherby",
    licence="Apache-2.0",
    homepage="https://example.org/weather",
    state=PluginState.ACTIVE,
    digest=DIGEST,
    permissions=(
        Permission(PermissionKind.NETWORK, "Asks the weather service.", hosts=("api.example.org",)),
        Permission(PermissionKind.READ, "Reads the list of your places.", folders=("~/Documents/places",)),
    ),
    offers=(
        OfferInfo(OfferKind.TOOL, "forecast", "Forecast", "Says what the weather of a place will be."),
        OfferInfo(OfferKind.TASK, "report", "Write a weather report", "Writes a report about a place."),
        OfferInfo(OfferKind.TELEMETRY, "outside", "Outside"),
    ),
    unenforced=("The network is allowed or not as a whole; the list of hosts is not enforced.",),
    fields=(
        Field(name="place", title="Place", help="Where you are.", default="Oslo"),
        Field(name="unit", title="Unit", kind=Kind.CHOICE, choices=("°C", "°F"), default="°C"),
        Field(name="days", title="Days", kind=Kind.INTEGER, default=3, least=1, most=14),
    ),
    settings={"place": "Bergen", "unit": "°C", "days": 3},
    samples=(Sample("Temperature outside", 7.25, "°C"), Sample("Wind", 11.0, "m/s")),
    memory_bytes=34 << 20,
)
BUNDLED = (
    bundled("chat", (OfferKind.FAMILY, "chat")),
    bundled("compare", (OfferKind.TASK, "compare")),
    bundled("detect", (OfferKind.PIPELINE, "boxes")),
)


class FakeHost:
    """Plugins that are nothing but infos. `calls` is what was asked of it; `error` fails the next coroutine."""

    def __init__(self, *plugins: PluginInfo) -> None:
        self.plugins = {info.id: info for info in plugins}
        self.is_safe = False
        self.crashed: tuple[str, ...] = ()
        self.calls: list[tuple[Any, ...]] = []
        self.error: PluginError | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.found: dict[Path, PluginInfo] = {}
        self.listeners: list[Callable[[], None]] = []
        self.snapshots = 0

    def snapshot(self) -> tuple[PluginInfo, ...]:
        self.snapshots += 1
        return tuple(self.plugins.values())

    def add_listener(self, callback: Callable[[], None]) -> Callable[[], None]:
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback)

    def change(self, plugin: str, **changes: Any) -> None:
        self.plugins[plugin] = replace(self.plugins[plugin], **changes)
        self.tell()

    def tell(self) -> None:
        for listener in self.listeners:
            listener()

    async def enable(self, plugin: str, digest: str = "") -> None:
        await self._note("enable", plugin, digest)
        self.change(plugin, state=PluginState.ACTIVE, reason="", details="")

    async def disable(self, plugin: str) -> None:
        await self._note("disable", plugin)
        self.change(plugin, state=PluginState.DISABLED, reason="")

    async def reload(self, plugin: str) -> None:
        await self._note("reload", plugin)

    async def remove(self, plugin: str) -> None:
        await self._note("remove", plugin)
        del self.plugins[plugin]
        self.tell()

    async def set_settings(self, plugin: str, values: Values) -> None:
        await self._note("set_settings", plugin, dict(values))
        self.change(plugin, settings=values)

    async def install(self, path: Path) -> PluginInfo:
        await self._note("install", path)
        info = self.found[path]
        self.plugins[info.id] = info
        self.tell()
        return info

    async def _note(self, *call: Any) -> None:
        self.calls.append(call)
        await self.gate.wait()
        error, self.error = self.error, None
        if error is not None:
            raise error


class Bench(PageBench):
    """A page with everything behind it, in a window; enter it on Qt's loop."""

    def __init__(self, host: FakeHost, engine: Engine | None = None) -> None:
        self.host = host
        self.engine = engine
        self.errors: list[Exception] = []
        self.tasks = Tasks(self.errors.append)
        self.controller = PluginsController(host, self.tasks)
        self.appearance = Appearance("light")
        self.page = PluginsPage(self.appearance, self.controller)
        self.window = QMainWindow()
        self.window.setCentralWidget(self.page)
        self.window.resize(1280, 744)

    @property
    def parts(self):
        return self.page.parts

    async def settled(self) -> None:
        await self.until(lambda: self.tasks.count == 0)
        await self.until(lambda: self.parts.pane.is_complete or not self.parts.pane.shown_id)

    async def __aenter__(self) -> "Bench":
        self.window.show()
        self.window.activateWindow()
        await self.until(self.window.isActiveWindow)
        if self.engine is not None:
            self.engine.open()
        self.controller.open()
        await self.until(lambda: not (self.parts.is_wide and self.controller.plugins) or self.parts.pane.is_complete)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.tasks.close()
        self.controller.close()
        if self.engine is not None:
            await self.engine.close()
        self.window.hide()
        self.window.deleteLater()
        self.controller.deleteLater()
        assert self.errors == []
        if isinstance(self.host, FakeHost):
            assert self.host.listeners == []


@pytest.fixture
def make_bench(qapp: QApplication) -> Callable[..., Bench]:
    def make(*plugins: PluginInfo) -> Bench:
        return Bench(FakeHost(*(plugins or (WEATHER, *BUNDLED))))

    return make


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    return make_bench()


@pytest.fixture
def shown(run: Callable[..., None], bench: Bench) -> Callable[..., None]:
    """Run a check on the page with the weather plugin chosen."""

    def show(check: Callable[[Bench], Any]) -> None:
        async def body() -> None:
            async with bench:
                bench.parts.table.choose("weather")
                result = check(bench)
                if result is not None:
                    await result

        run(body())

    return show


@pytest.fixture
def make_real(tmp_path: Path, qapp: QApplication) -> Callable[..., Bench]:
    """A page over a real engine with a home of its own."""

    def make(**options: Any) -> Bench:
        engine = Engine(EngineConfig(home=tmp_path / "home"), backends={"gguf": FakeBackend()}, **options)
        return Bench(engine.plugins, engine)  # type: ignore[arg-type]

    return make
