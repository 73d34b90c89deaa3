"""A registry with small tasks, and a real engine without weights behind them."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine.engine import Engine
from engine.plugins.contract.tasks import Task
from engine.plugins.manifest import PermissionKind
from engine.plugins.offers import Offers
from engine.plugins.registry import Registry
from engine.tasks.bridge import Door
from engine.tasks.runner import TaskRunner
from engine.testing import FakeBackend


class NoDoor:
    """A door that must not be used."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the task used {name}")


@pytest.fixture
def runner_of() -> Callable[..., TaskRunner]:
    def make(*tasks: Task, door: Door | None = None, allowed: bool = True) -> TaskRunner:
        registry = Registry()
        registry.put("mine", Offers(tasks=list(tasks)))

        def permits(_plugin: str, _kind: PermissionKind) -> bool:
            return allowed

        return TaskRunner(registry, door or NoDoor(), permits)  # type: ignore[arg-type]

    return make


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def engine(make_engine: Callable[..., Engine], backend: FakeBackend) -> Engine:
    return make_engine(backend)


@pytest.fixture
def idle() -> Callable[..., Awaitable[None]]:
    """Wait until an engine runs this many requests."""

    async def wait(engine: Engine, running: int = 0) -> None:
        async with asyncio.timeout(5):
            while engine.snapshot().running != running:  # noqa: ASYNC110 - a snapshot cannot be waited for
                await asyncio.sleep(0.005)

    return wait
