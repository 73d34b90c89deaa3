"""A registry with small tasks, and a real engine without weights behind them."""

from collections.abc import Callable

import pytest

from engine.plugins.contract.tasks import Task
from engine.plugins.manifest import PermissionKind
from engine.plugins.offers import Offers
from engine.plugins.registry import Registry
from engine.tasks.bridge import Door
from engine.tasks.runner import TaskRunner


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
