"""Session: what the options before the command say, and how a command reaches the engine."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from engine.config import EngineConfig, default_home
from engine.engine import Engine
from engine.models.library import ModelLibrary
from engine.models.opening import library_of
from engine.plugins.bundled import bundled_dir
from engine.plugins.host import PluginHost
from engine.plugins.registry import Registry

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """One run of `hearth`.

    Attributes:
        model_dirs: folders given with `--model-dir`.
        is_safe: leave out the plugins that did not come with Hearth.
        is_development: run plugins anew when their files change.
        title: what `hearth ps` and `hearth queue` call it.
        files: that the window is to open, as they were named.
    """

    model_dirs: tuple[Path, ...] = ()
    is_safe: bool = False
    is_development: bool = False
    title: str = "hearth"
    files: tuple[str, ...] = ()

    def config(self) -> EngineConfig:
        """The settings file, with the command line's folders added.

        Raises:
            ConfigError: the settings file is wrong.
        """
        config = EngineConfig.load(default_home() / "engine.toml")
        return replace(config, model_dirs=(*config.model_dirs, *self.model_dirs))

    def engine(self) -> Engine:
        """A closed engine; good for looking at models, as the bundled plugins see them, without starting a thread."""
        return Engine(self.config(), is_safe=self.is_safe, is_development=self.is_development)

    def look(self, work: Callable[[Engine], T]) -> T:
        """Look at models, as the user's plugins see them too; starts threads and processes only where there are any."""
        home = self.config().home
        if not (home / "plugins").is_dir() and not (home / "plugins.json").exists():
            return work(self.engine())

        async def inside(engine: Engine) -> T:
            return work(engine)

        return self.run(inside)

    def library(self) -> ModelLibrary:
        """The same folders that the engine searches, with a list of what is broken in them."""
        return library_of(self.config())

    def run(self, work: Callable[[Engine], Awaitable[T]]) -> T:
        """Open an engine, do something with it, close it; Ctrl-C cancels the work and closes the engine as well.

        The work begins when all plugins have started. Meanwhile other commands can see and change what is going on.
        """
        from engine.control.server import ControlServer  # not for commands without an engine

        async def inside() -> T:
            async with self.engine() as engine:
                await engine.settled()
                with ControlServer(engine, engine.config.home, asyncio.get_running_loop(), self.title):
                    return await work(engine)

        return asyncio.run(inside())

    def decide(self, work: Callable[[PluginHost], Awaitable[T]], *, is_idle: bool = True) -> T:
        """Do something about plugins.

        Args:
            work: what to do.
            is_idle: whether none of them runs meanwhile; otherwise a plugin that is allowed to run is tried at once.
        """
        home = self.config().home
        host = PluginHost(
            bundled_dir(), home / "plugins", home / "plugins.json", Registry(), is_safe=self.is_safe, is_idle=is_idle
        )

        async def inside() -> T:
            await host.settled()
            return await work(host)

        host.start()
        try:
            return asyncio.run(inside())
        finally:
            host.close()
