"""Tasks and tools are noted while they work, also when they fail."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine.errors import CapabilityError
from engine.plugins.noting import noted
from engine.plugins.offers import Offers
from engine.testing import FakeTaskContext
from engine.types import ToolSpec


class Desk:
    def __init__(self) -> None:
        self.at_work = 0
        self.seen: list[int] = []

    @contextmanager
    def note(self) -> Iterator[None]:
        self.at_work += 1
        try:
            yield
        finally:
            self.at_work -= 1


class Work:
    id = "work"
    title = "Work"
    summary = "Works."
    inputs = ()
    outputs = ()
    spec = ToolSpec("work", "Works.", {})
    permission = "network"

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def run(self, inputs: object, context: object) -> dict[str, str]:
        self.desk.seen.append(self.desk.at_work)
        raise CapabilityError("It cannot.")

    def call(self, arguments: object) -> str:
        self.desk.seen.append(self.desk.at_work)
        return "done"


def test_tasks_and_tools_are_noted_while_they_work():
    desk = Desk()
    offers = noted(Offers(tasks=[Work(desk)], tools=[Work(desk)]), desk.note)
    assert offers.tools[0].call({}) == "done"
    with pytest.raises(CapabilityError):
        offers.tasks[0].run({}, FakeTaskContext())
    assert desk.seen == [1, 1]
    assert desk.at_work == 0
    assert (offers.tasks[0].id, offers.tasks[0].title, offers.tasks[0].summary) == ("work", "Work", "Works.")
    assert (offers.tools[0].spec.name, offers.tools[0].permission) == ("work", "network")
