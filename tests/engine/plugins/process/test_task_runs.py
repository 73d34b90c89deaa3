"""Tasks in another process, run as the engine runs them."""

import asyncio
import threading
from contextlib import aclosing

import pytest

from engine.errors import PluginError
from engine.plugins.infos import TaskFinished, TaskProgress, TaskRequest, TaskText
from engine.plugins.manifest import OfferKind
from engine.plugins.registry import Registry
from engine.tasks.runner import TaskRunner

SOURCE = """
import time
from engine.plugins.api import *

class Work:
    id = "work"
    title = "Work"
    summary = "Works."
    inputs = (Field(name="text", title="Text"),)
    outputs = (Field(name="out", title="Out"),)
    def run(self, inputs, context):
        return work(inputs, context)

def register(registrar):
    registrar.add_task(Work())
"""
REQUEST = TaskRequest(task="work", inputs={"text": "hi"})


@pytest.fixture
def runner_of(make_plugin):
    """A runner of one task, whose `work(inputs, context)` is given; and the plugin."""

    def make(source, **more):
        plugin, registry = make_plugin(SOURCE + source, (OfferKind.TASK, "work"), **more), Registry()
        registry.put("offender", plugin.start())
        return TaskRunner(registry, None, lambda plugin, kind: False), plugin

    return make


async def test_what_it_says_arrives(runner_of):
    runner, _ = runner_of("""
def work(inputs, context):
    context.progress(0.5, "half\\x1b[2J")
    context.emit("out", "more")
    return {"out": inputs["text"].upper()}
""")
    async with aclosing(runner.run(REQUEST)) as events:
        heard = [event async for event in events]
    assert TaskProgress(0.5, "half [2J") in heard
    assert TaskText("out", "more") in heard
    assert isinstance(heard[-1], TaskFinished)
    assert heard[-1].outputs == {"out": "HI"}


async def test_outputs_that_are_not_promised_are_refused(runner_of):
    runner, _ = runner_of("def work(inputs, context): return {'out': 3}")
    async with aclosing(runner.run(REQUEST)) as events:
        with pytest.raises(PluginError, match="The task Work returned something wrong"):
            await anext(events)


@pytest.mark.parametrize(
    ("patience", "failures"), [("while True: time.sleep(0.01); context.emit('out', '')", 0), ("time.sleep(1e9)", 1)]
)
async def test_closing_the_run_ends_the_task_over_there(runner_of, patience, failures):
    runner, plugin = runner_of(
        f"def work(inputs, context):\n    context.progress(0.5)\n    {patience}", limits={"backoff_s": (60.0,)}
    )
    async with aclosing(runner.run(REQUEST)) as events:
        assert isinstance(await anext(events), TaskProgress)
        [run] = [thread for thread in threading.enumerate() if thread.name == "hearth-task-work"]
    await asyncio.to_thread(run.join, 10)
    assert not run.is_alive()
    assert plugin.process.status().failures == failures
