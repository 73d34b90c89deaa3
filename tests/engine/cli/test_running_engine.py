"""`hearth queue` and `hearth ps` against an engine that a command has opened, with a real model."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.session import Session
from engine.control.client import running_engines
from engine.engine import Engine
from engine.errors import RequestCancelledError
from engine.types import GenerateRequest

pytestmark = pytest.mark.models


@pytest.fixture
def is_cancelled(home: Path) -> Iterator[threading.Event]:
    """A command asks `plain` while the queue is paused; this is set when it is told that its request was cancelled."""
    ready, cancelled, enough = threading.Event(), threading.Event(), threading.Event()

    async def ask(engine: Engine) -> None:
        await engine.load("plain")
        engine.pause_queue(True)
        request = GenerateRequest(model="plain", prompt="a story", title="A story", client="tests", max_tokens=4)
        try:
            async for _event in engine.generate(request):
                ready.set()
        except RequestCancelledError:
            cancelled.set()
        await asyncio.to_thread(enough.wait, 60)

    thread = threading.Thread(target=lambda: Session(title="hearth test").run(ask))
    thread.start()
    assert ready.wait(60)
    yield cancelled
    for engine in running_engines(home):
        engine.pause(False)
    enough.set()
    thread.join(60)
    assert not thread.is_alive()
    assert running_engines(home) == ()


def test_a_request_of_a_running_command_is_seen_changed_and_cancelled(hearth, is_cancelled: threading.Event):
    (there,) = hearth("queue", "--json").document["engines"]
    assert there["title"] == "hearth test"
    assert there["queue"]["is_paused"]
    (request,) = there["queue"]["requests"]
    assert (request["title"], request["client"], request["model"]) == ("A story", "tests", "plain")
    assert request["state"] != "running"
    assert request["reason"]
    assert len(request["parts"]) == 12
    assert request["id"] in hearth("queue").out
    assert hearth("queue", "urgency", request["id"], "batch", "--level", "0").code == 0
    assert hearth("queue", "up", request["id"]).code == 0
    (changed,) = hearth("queue", "--json").document["engines"][0]["queue"]["requests"]
    assert (changed["urgency"], changed["level"]) == ("batch", 0)
    assert not is_cancelled.is_set()
    assert hearth("queue", "cancel", request["id"]).code == 0
    assert is_cancelled.wait(10)
    assert hearth("queue", "cancel", request["id"]).code == 1
    (there,) = hearth("queue", "finished", "--json").document["engines"]
    assert [(ended["id"], ended["outcome"]) for ended in there["ended"]] == [(request["id"], "cancelled")]
    assert there["ended_today"] == 1


def test_its_cache_is_seen_and_cleared(hearth, is_cancelled: threading.Event):
    ask = ("embed", "vectors", "some text", "--json")
    hearth(*ask)
    (there,) = hearth("cache", "--json").document["running"]
    assert there["title"] == "hearth test"
    assert there["cache"]["disk"]["limit_bytes"] == 1_000_000_000
    assert "memory of" in hearth("cache").out
    assert hearth(*ask).document["cached"] is not None
    assert hearth("cache", "clear").code == 0
    assert hearth(*ask).document["cached"] is None


def test_a_paused_queue_is_resumed_and_ordered_by_another_command(hearth, is_cancelled: threading.Event):
    assert hearth("queue", "order", "fifo").code == 0
    assert hearth("queue", "resume").code == 0
    (there,) = hearth("queue", "--json").document["engines"]
    assert (there["queue"]["order"], there["queue"]["is_paused"]) == ("fifo", False)


def test_its_models_are_seen_pinned_and_unloaded(hearth, is_cancelled: threading.Event):
    (there,) = hearth("ps", "--json").document["engines"]
    (model,) = there["models"]
    assert (model["info"]["id"], model["device"], model["waiting"]) == ("plain", "cpu", 1)
    assert 0 < there["memory_bytes"] <= there["memory_budget_bytes"]
    assert hearth("ps", "pin", "plain").code == 0
    assert hearth("ps", "--json").document["engines"][0]["models"][0]["is_pinned"]
    assert hearth("ps", "unpin", "plain").code == 0
    ended = hearth("ps", "unload", "plain")
    assert (ended.code, ended.out) == (1, "")
    assert "plain" in ended.err
    (request,) = hearth("queue", "--json").document["engines"][0]["queue"]["requests"]
    hearth("queue", "cancel", request["id"])
    assert hearth("ps", "unload", "plain").out == "plain is unloaded.\n"
    assert hearth("ps").out.startswith("No model is loaded.\n")
